/** What an option accepts. The sentence `says` follows the name of the option: "must be …". */
export interface Kind<T> {
  readonly says: string;
  accepts(value: unknown): value is T;
}

const kind = <T>(says: string, accepts: (value: unknown) => boolean): Kind<T> => ({
  says,
  accepts: accepts as (value: unknown) => value is T,
});

/** One line of text, matching `pattern` when there is one. */
export const text = (says: string, { pattern = /^.*$/u, max = 1000 } = {}): Kind<string> =>
  kind(
    says,
    (value) =>
      typeof value === "string" &&
      value.length <= max &&
      !/[\p{Cc}\u2028\u2029]/u.test(value) &&
      pattern.test(value),
  );

export const flag: Kind<boolean> = kind("true or false", (value) => typeof value === "boolean");

export const whole = (min: number, max: number): Kind<number> =>
  kind(
    `a whole number from ${min} to ${max}`,
    (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
  );

export const choice = <const T extends string>(...words: T[]): Kind<T> =>
  kind(words.map((word) => `"${word}"`).join(" or "), (value) => words.includes(value as T));

// Shapes that Kubernetes and Coder check too, but only when a workspace is built.

/** A name in an API of Kubernetes: a namespace, a label. */
export const dnsLabel = text("a Kubernetes name (small letters, digits and dashes, at most 63)", {
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  max: 63,
});

export const dnsNameOrEmpty = text(
  'a Kubernetes name (small letters, digits, dashes and dots) or "" for none',
  { pattern: /^([a-z0-9]([-.a-z0-9]*[a-z0-9])?)?$/, max: 253 },
);

/** An amount of CPU or memory: 250m, 0.5, 512Mi. */
export const quantity = text('an amount as Kubernetes writes it ("250m", "512Mi")', {
  pattern: /^[0-9]+(\.[0-9]+)?(m|k|[MGT]|[KMGT]i)?$/,
});

/** What Coder takes for the name of a template (codersdk, NameValid). */
export const coderName = text(
  'a name that Coder accepts (letters, digits and single dashes, at most 32, not "new" or "create")',
  { pattern: /^(?!(?:new|create)$)[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*$/, max: 32 },
);

export const url = text("a URL that begins with http:// or https://", {
  pattern: /^https?:\/\/[^\s'"\\<>`]+$/,
});
