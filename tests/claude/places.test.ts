import { expect, test } from "vitest";
import { isSessionId, slug } from "../../helpers/claude/places.ts";

test.each([
  ["/home/coder/projects/app", "-home-coder-projects-app"],
  ["/home/me/.hidden", "-home-me--hidden"],
  ["/srv/a_b", "-srv-a-b"],
  ["/x/😀", "-x---"],
  ["/", "-"],
])("the project folder of %s is %s", (path, folder) => {
  expect(slug(path)).toBe(folder);
});

test("the project folder of a long path is cut and gets a hash", () => {
  const path = `/home/coder/${"deep/".repeat(60)}end`;
  const folder = slug(path);
  expect(folder).toMatch(/^-home-coder-deep-.{183}-[0-9a-z]+$/);
  expect(folder).not.toBe(slug(`${path}s`));
});

test("only whole uuids are session ids", () => {
  expect(isSessionId("4bb63347-fb0d-4478-85b2-c7d1a7f248fa")).toBe(true);
  for (const text of [
    "4bb6",
    "../4bb63347-fb0d-4478-85b2-c7d1a7f248f",
    "4bb63347-fb0d-4478-85b2-c7d1a7f248fa\n",
    "-r",
  ]) {
    expect(isSessionId(text)).toBe(false);
  }
});
