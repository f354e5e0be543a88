/** Text as it stands in Terraform: in its JSON and in quotes in HCL, `${` and `%{` would be expressions. */
export const literal = (text: string): string => text.replaceAll(/[$%](?=\{)/g, (sign) => sign + sign);

/** A quoted HCL string of plain text. */
export const quoted = (text: string): string => literal(JSON.stringify(text));

/** A word in a shell script: one pair of single quotes, whatever is in it. */
export const shellWord = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
