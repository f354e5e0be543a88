/** `npm run options`: writes docs/running/template-options.md from infra/settings.ts. A test checks that it is up to date. */
import { writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { CHAPTERS, type Option } from "../settings.ts";

const PAGE = fileURLToPath(new URL("../../docs/running/template-options.md", import.meta.url));

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");

function row([name, option]: [string, Option<unknown>]): string {
  const mark = option.variable ? " ⁺" : "";
  const defaultValue = JSON.stringify(option.defaultValue);
  return `| \`${name}\`${mark} | \`${defaultValue}\` | ${cell(option.description)} | ${cell(option.validator.expected)} |`;
}

/** The text of the page. */
export function optionsPage(): string {
  const chapters = CHAPTERS.map(([title, options]) =>
    [
      `## ${title}`,
      "",
      "| option | default | what it does | must be |",
      "|---|---|---|---|",
      ...Object.entries(options).map(row),
      "",
    ].join("\n"),
  );
  return `# Options of the template

Written by \`npm run options\` from \`infra/settings.ts\`; change it there.

Set them in \`cdktf.json\` under \`context.ccr\`. All are optional. An unknown name or an unusable value stops the synth with a
one-line error that names it. How to publish a template: [publishing.md](publishing.md).

Options marked ⁺ are also Terraform variables of the template (\`storageClass\` is \`storage_class\`), for deployments that share
one synth: \`coder templates push … --variable storage_class=fast\`.

No option changes an existing home: it keeps the namespace, class, access mode, labels and annotations of its first build, and
its size only grows.

${chapters.join("\n")}
## What users choose

In Coder's form, for each workspace. Users can change all of it later.

| parameter | what it does |
|---|---|
| CPU, Memory | limits of the pod, up to \`cpuMax\` and \`memoryMax\` |
| Home size | GiB; the home only grows, a smaller number changes nothing |
| Image | one of \`images\`; only shown if \`images\` is set |
| Resume limited sessions automatically | off by default; every five minutes, \`ccr supervise\` resumes sessions whose usage limit has reset |
| Dotfiles | a repository that \`coder dotfiles\` installs at every start |
| Repository | a git repository to clone into a new home |

The presets *Small* (the default), *Medium* and *Large* fill in CPU, memory and home size.
`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) writeFileSync(PAGE, optionsPage());
