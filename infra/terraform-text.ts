/** Text as it stands in Terraform: in its JSON and in quotes in HCL, `${` and `%{` would be expressions. */
export const literal = (text: string): string => text.replaceAll(/[$%](?=\{)/g, (sign) => sign + sign);

/** A quoted HCL string of plain text. */
export const quoted = (text: string): string => literal(JSON.stringify(text));

/** A word in a shell script: one pair of single quotes, whatever is in it. */
export const shellWord = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** All texts of an object, or of what is in it, as they stand in Terraform's JSON. */
export function literals<T>(value: T): T {
  if (typeof value === "string") return literal(value) as T;
  if (Array.isArray(value)) return value.map(literals) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [literal(key), literals(inner)]),
  ) as T;
}
