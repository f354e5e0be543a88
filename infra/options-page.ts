/** docs/running/template-options.md from the options' own definition: `npm run options` writes it, a test compares it. */
import { writeFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { CHAPTERS, type Option } from "./settings.ts";

const PAGE = fileURLToPath(new URL("../docs/running/template-options.md", import.meta.url));

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("<", "&lt;");

const row = ([name, { default: standard, kind, about, variable }]: [string, Option<unknown>]): string =>
  `| \`${name}\`${variable ? " ⁺" : ""} | \`${JSON.stringify(standard)}\` | ${cell(about)} | ${cell(kind.says)} |`;

export function optionsPage(): string {
  const chapters = CHAPTERS.map(([title, options]) =>
    [
      `## ${title}`,
      "",
      "| option | default | what it is for | must be |",
      "|---|---|---|---|",
      ...Object.entries(options).map(row),
      "",
    ].join("\n"),
  );
  return `# Options of the template

Written by \`npm run options\` from \`infra/settings.ts\`; change it there.

All of them stand in \`cdktf.json\` under \`context.ccr\`, and none must be given. An unknown name or a value that cannot be used
stops the synth with one line that names it. How a template is published: [publishing.md](publishing.md).

⁺ is a Terraform variable of the template as well (\`storageClass\` is \`storage_class\`), for deployments that share one synth:
\`coder templates push … --variable storage_class=fast\`.

No option touches a home that exists: its namespace, class, access mode, labels and annotations stay those of its first build,
and its size only grows.

${chapters.join("\n")}
## What users choose

In Coder's form, for each workspace; all of it can be changed later.

| parameter | is |
|---|---|
| CPU, Memory | limits of the pod, up to \`cpuMax\` and \`memoryMax\` |
| Home size | GiB; it only grows, a smaller number changes nothing |
| Image | one of \`images\`; not there when that is empty |
| Resume limited sessions automatically | off by default; every five minutes \`ccr supervise\` continues sessions whose usage limit has passed |
| Dotfiles | a repository that \`coder dotfiles\` installs at each start |
| Repository | cloned into the home once |

The presets *Small* (the default), *Medium* and *Large* fill in CPU, memory and home size.
`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) writeFileSync(PAGE, optionsPage());
