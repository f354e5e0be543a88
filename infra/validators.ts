/** Checks of values in the settings. The text `expected` follows the name of the option: "must be …". */
export interface Validator<T> {
  readonly expected: string;
  /** For texts: Terraform checks this too, when the option is a variable. */
  readonly pattern?: RegExp;
  accepts(value: unknown): value is T;
}

const validator = <T>(expected: string, accepts: (value: unknown) => boolean): Validator<T> => ({
  expected,
  accepts: accepts as (value: unknown) => value is T,
});

/** One line of text that matches `pattern`. */
export const text = (expected: string, { pattern = /^.*$/u, max = 1000 } = {}): Validator<string> => ({
  ...validator<string>(
    expected,
    (value) =>
      typeof value === "string" &&
      value.length <= max &&
      !/[\p{Cc}\u2028\u2029]/u.test(value) &&
      pattern.test(value),
  ),
  pattern,
});

/** true or false. */
export const boolean: Validator<boolean> = validator("true or false", (value) => typeof value === "boolean");

/** A whole number; both bounds are allowed values. */
export const integer = (min: number, max: number): Validator<number> =>
  validator(
    `a whole number from ${min} to ${max}`,
    (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
  );

/** One of these texts. */
export const oneOf = <const T extends string>(...values: T[]): Validator<T> => ({
  ...validator<T>(values.map((value) => `"${value}"`).join(" or "), (value) => values.includes(value as T)),
  pattern: new RegExp(`^(${values.join("|")})$`),
});

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A list of at most `max` items. */
export const listOf = <T>(item: Validator<T>, max = 50): Validator<readonly T[]> =>
  validator(
    `a list (at most ${max}), each ${item.expected}`,
    (value) => Array.isArray(value) && value.length <= max && value.every((one) => item.accepts(one)),
  );

/** An object of texts: `{ "key": "value" }`. */
const mapOf = (
  expected: string,
  key: RegExp,
  value: Validator<string>,
): Validator<Readonly<Record<string, string>>> =>
  validator(
    expected,
    (map) =>
      isObject(map) && Object.entries(map).every(([name, one]) => key.test(name) && value.accepts(one)),
  );

type Fields = Record<string, { accepts(value: unknown): boolean }>;

/** An object with all `required` fields, any of the `optional` ones and no others, that also passes `check`. */
const objectOf = <T>(
  expected: string,
  required: Fields,
  optional: Fields = {},
  check: (value: Record<string, unknown>) => boolean = () => true,
): Validator<T> =>
  validator(
    expected,
    (value) =>
      isObject(value) &&
      Object.keys(value).every((name) => name in required || name in optional) &&
      Object.entries(required).every(([name, field]) => field.accepts(value[name])) &&
      Object.entries(optional).every(
        ([name, field]) => value[name] === undefined || field.accepts(value[name]),
      ) &&
      check(value),
  );

/** Any object of moderate size; Kubernetes or Terraform checks its content. */
export const anyObject = (expected: string): Validator<Readonly<Record<string, unknown>>> =>
  validator(expected, (value) => isObject(value) && JSON.stringify(value).length < 20_000);

// Kubernetes and Coder check the following too, but only when a workspace is built.

/** A name in Kubernetes' API, of a namespace for example. */
export const dnsLabel = text("a Kubernetes name (lower-case letters, digits and dashes, at most 63)", {
  pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
  max: 63,
});

/** Keys of labels, annotations and node selectors. */
const labelKey = /^([a-z0-9]([-.a-z0-9]*[a-z0-9])?\/)?[A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?$/;

export const labelMap = mapOf('Kubernetes labels: { "key": "value" }', labelKey, {
  ...text("a label", { pattern: /^([A-Za-z0-9]([-._A-Za-z0-9]*[A-Za-z0-9])?)?$/, max: 63 }),
});

export const annotationMap = mapOf('Kubernetes annotations: { "key": "value" }', labelKey, text("one line"));

export const environmentMap = mapOf(
  'environment variables: { "NAME": "value" }, without CODER_AGENT_TOKEN',
  /^(?!CODER_AGENT_TOKEN$)[A-Za-z_][A-Za-z0-9_]*$/,
  text("one line", { max: 4000 }),
);

export const dnsNameOrEmpty = text(
  'a Kubernetes name (lower-case letters, digits, dashes and dots) or "" for none',
  { pattern: /^([a-z0-9]([-.a-z0-9]*[a-z0-9])?)?$/, max: 253 },
);

/** An amount of CPU or memory: 250m, 0.5, 512Mi. */
export const quantity = text('a Kubernetes quantity ("250m", "512Mi")', {
  pattern: /^[0-9]+(\.[0-9]+)?(m|k|[MGT]|[KMGT]i)?$/,
});

/** What Coder accepts as the name of a template (codersdk, NameValid). */
export const templateName = text(
  'a name that Coder accepts (letters, digits and single dashes, at most 32, not "new" or "create")',
  { pattern: /^(?!(?:new|create)$)[a-zA-Z0-9]+(?:-[a-zA-Z0-9]+)*$/, max: 32 },
);

export const url = text("a URL that begins with http:// or https://", {
  pattern: /^https?:\/\/[^\s'"\\<>`]+$/,
});

export const urlOrEmpty = text('a URL that begins with http:// or https://, or "" for none', {
  pattern: /^(https?:\/\/[^\s'"\\<>`]+)?$/,
});

export const absolutePath = text("an absolute path", { pattern: /^\/[\w.@/-]+$/ });

export const imageName = text("an image reference", { pattern: /^[a-zA-Z0-9][\w.:/@-]*$/ });

export interface Toleration {
  readonly key?: string;
  readonly operator?: "Exists" | "Equal";
  readonly value?: string;
  readonly effect?: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
  readonly tolerationSeconds?: number;
}

export const toleration = objectOf<Toleration>(
  "{ key, operator, value, effect, tolerationSeconds } as in Kubernetes",
  {},
  {
    key: text("a key", { pattern: labelKey }),
    operator: oneOf("Exists", "Equal"),
    value: text("a value", { max: 63 }),
    effect: oneOf("NoSchedule", "PreferNoSchedule", "NoExecute"),
    tolerationSeconds: integer(0, 1_000_000_000),
  },
  ({ key, operator }) => key !== undefined || operator === "Exists",
);

export interface Volume {
  readonly name: string;
  readonly mountPath: string;
  readonly subPath?: string;
  readonly readOnly?: boolean;
  readonly claim?: string;
  readonly secret?: string;
  readonly configMap?: string;
  /** Size limit; "" for none. */
  readonly emptyDir?: string;
}

const VOLUME_SOURCES = ["claim", "secret", "configMap", "emptyDir"];
export const volume = objectOf<Volume>(
  "{ name, mountPath, subPath, readOnly } and one of claim, secret, configMap (names) or emptyDir (a size)",
  {
    name: text("a name", { pattern: /^(?!home$|ca$)[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, max: 63 }),
    mountPath: absolutePath,
  },
  {
    subPath: text("a relative path", { pattern: /^(?!.*\.\.)[\w.@-][\w.@/-]*$/ }),
    readOnly: boolean,
    claim: dnsLabel,
    secret: dnsNameOrEmpty,
    configMap: dnsNameOrEmpty,
    emptyDir: text("an amount", { pattern: /^([0-9]+(\.[0-9]+)?([MGT]|[KMGT]i)?)?$/ }),
  },
  (value) => VOLUME_SOURCES.filter((source) => value[source] !== undefined).length === 1,
);

export interface ImageChoice {
  readonly name: string;
  readonly image: string;
  readonly icon?: string;
}

export const imageChoice = objectOf<ImageChoice>(
  "{ name, image, icon }",
  { name: text("a name", { pattern: /^\S(.*\S)?$/, max: 64 }), image: imageName },
  { icon: text("an icon", { pattern: /^(https?:\/|)\/[^\s"\\]+$/ }) },
);

export interface Backend {
  readonly type: "local" | "s3" | "gcs" | "azurerm" | "pg" | "http" | "kubernetes";
  readonly [setting: string]: unknown;
}

const backendType = oneOf("local", "s3", "gcs", "azurerm", "pg", "http", "kubernetes");
const SECRET_KEY = /password|token|^(access|secret)_key|client_secret|credentials|conn_str/i;
export const backend = validator<Backend>(
  '{ "type": "local", "s3", "gcs", "azurerm", "pg", "http" or "kubernetes", and the settings of that backend, without secrets }',
  (value) =>
    isObject(value) &&
    backendType.accepts(value.type) &&
    !Object.keys(value).some((key) => SECRET_KEY.test(key)),
);

/** A range of addresses in a network policy: 10.0.0.0/8, 2001:db8::/32. */
export const cidr = text("a range of addresses such as 10.0.0.0/8", {
  pattern:
    /^([0-9]{1,3}(\.[0-9]{1,3}){3}\/([0-9]|[12][0-9]|3[0-2])|[0-9a-fA-F:]+\/([0-9]{1,2}|1[01][0-9]|12[0-8]))$/,
});
