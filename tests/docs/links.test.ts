// The documentation and everything that points into it.

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { root } from "../support/home.ts";

const filesIn = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => join(folder, name));
const pages = [...readdirSync(root), ...filesIn("docs")].filter((file) => file.endsWith(".md"));
const textOf = (file: string): string => readFileSync(join(root, file), "utf8");
/** Without code: a link in an example is no link. */
const prose = (text: string): string => text.replace(/^```[\s\S]*?^```$/gm, "").replace(/`[^`\n]*`/g, "");

/** GitHub's anchors of a page's headings. */
function anchorsOf(file: string): string[] {
  const text = textOf(file).replace(/^```[\s\S]*?^```$/gm, "");
  return [...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** What is wrong with a reference from a file to `path#anchor`, or undefined. */
function broken(path: string, anchor: string | undefined): string | undefined {
  if (!existsSync(join(root, path))) return `${path} does not exist`;
  if (anchor === undefined || !path.endsWith(".md")) return undefined;
  return anchorsOf(path).includes(anchor) ? undefined : `${path} has no heading #${anchor}`;
}

describe("the documentation", () => {
  test.each(pages)("%s has no broken link", (page) => {
    const links = [...prose(textOf(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!);
    const wrong = links
      .filter((link) => !/^[a-z]+:/.test(link))
      .flatMap((link) => {
        const [path = "", anchor] = link.split("#");
        const file = path === "" ? page : relative(root, join(root, dirname(page), path));
        return broken(file, anchor) ?? [];
      });
    expect(wrong).toEqual([]);
  });

  test("every page can be reached from docs/README.md", () => {
    const seen = new Set<string>();
    const visit = (page: string): void => {
      if (seen.has(page) || !existsSync(join(root, page)) || statSync(join(root, page)).isDirectory()) return;
      seen.add(page);
      for (const [, path] of prose(textOf(page)).matchAll(/\]\(([^)\s:#]+\.md)[^)]*\)/g))
        visit(relative(root, join(root, dirname(page), path!)));
    };
    visit("docs/README.md");
    expect(pages.filter((page) => page.startsWith("docs/") && !seen.has(page))).toEqual([]);
  });

  test("every page and heading that the code cites exists", () => {
    const sources = ["helpers", "infra", "tests"]
      .flatMap(filesIn)
      .filter(
        (file) => /\.(?:ts|sh|mjs|cjs|pl|bats)$/.test(file) && !/^infra\/providers|fixtures/.test(file),
      );
    const wrong = sources.flatMap((file) =>
      [...textOf(file).matchAll(/\b(docs\/[\w/-]+\.md)(?:#([\w-]+))?/g)].flatMap(([, path, anchor]) => {
        const why = broken(path!, anchor);
        return why === undefined ? [] : [`${file}: ${why}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  test("every source file that a page names exists", () => {
    const wrong = pages
      .filter((page) => page !== "CHANGELOG.md")
      .flatMap((page) =>
        [...textOf(page).matchAll(/`((?:[\w.-]+\/)+[\w.-]+\.(?:ts|mjs|cjs|sh|pl|wat))`/g)]
          .map(([, path]) => path!)
          .filter((path) => !/^(?:dist|\.local)\//.test(path))
          .filter((path) => !["", "helpers", "infra"].some((folder) => existsSync(join(root, folder, path))))
          .map((path) => `${page} names ${path}`),
      );
    expect(wrong).toEqual([]);
  });
});
