/** Text as it stands in Terraform: in its JSON and in quotes in HCL, `${` and `%{` would be expressions. */
export const literal = (text: string): string => text.replaceAll(/[$%](?=\{)/g, (sign) => sign + sign);

/** A quoted HCL string of plain text. */
export const quoted = (text: string): string => literal(JSON.stringify(text));

/** Plain text as one word of a shell script: in single quotes, whatever is in it. */
export const shellWord = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** The same for a text that Terraform knows: an expression without `${}`. */
export const shellRef = (expression: string): string => `'\${replace(${expression}, "'", "'\\\\''")}'`;

/** Lines with only a comment, empty lines and indentation, in a shell script or a JavaScript file. */
const comments = (file: string): string => `^ *(${file.endsWith(".cjs") ? "//" : "#"}.*)?\\n|^ +`;

/**
 * A Terraform expression (no `${}`) for a file of the template without comments and indentation, which are for people
 * who read the file.
 */
export const withoutComments = (file: string): string =>
  `replace(file("\${path.module}/${file}"), "/(?m)${comments(file).replaceAll("\\", "\\\\")}/", "")`;

/** What {@link withoutComments} makes of the text of such a file. */
export const stripComments = (file: string, text: string): string =>
  text.replaceAll(new RegExp(comments(file), "gm"), "");

/** All texts of a value, at any depth, as they stand in Terraform's JSON. */
export function literals<T>(value: T): T {
  if (typeof value === "string") return literal(value) as T;
  if (Array.isArray(value)) return value.map(literals) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [literal(key), literals(inner)]),
  ) as T;
}
