/** What an option accepts. The sentence `says` follows the name of the option: "must be …". */
export interface Kind<T> {
  readonly says: string;
  /** Of texts: also what Terraform checks, where the option is a variable. */
  readonly pattern?: RegExp;
  accepts(value: unknown): value is T;
}

const kind = <T>(says: string, accepts: (value: unknown) => boolean): Kind<T> => ({
  says,
  accepts: accepts as (value: unknown) => value is T,
});

/** One line of text, matching `pattern` when there is one. */
export const text = (says: string, { pattern = /^.*$/u, max = 1000 } = {}): Kind<string> => ({
  ...kind<string>(
    says,
    (value) =>
      typeof value === "string" &&
      value.length <= max &&
      !/[\p{Cc}\u2028\u2029]/u.test(value) &&
      pattern.test(value),
  ),
  pattern,
});

export const flag: Kind<boolean> = kind("true or false", (value) => typeof value === "boolean");

export const whole = (min: number, max: number): Kind<number> =>
  kind(
    `a whole number from ${min} to ${max}`,
    (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
  );

export const choice = <const T extends string>(...words: T[]): Kind<T> => ({
  ...kind<T>(words.map((word) => `"${word}"`).join(" or "), (value) => words.includes(value as T)),
  pattern: new RegExp(`^(${words.join("|")})$`),
});

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const listOf = <T>(item: Kind<T>, max = 50): Kind<readonly T[]> =>
  kind(
    `a list (at most ${max}), each ${item.says}`,
    (value) => Array.isArray(value) && value.length <= max && value.every((one) => item.accepts(one)),
  );

/** An object of texts: `{ "key": "value" }`. */
export const mapOf = (
  says: string,
  key: RegExp,
  value: Kind<string>,
): Kind<Readonly<Record<string, string>>> =>
  kind(
    says,
    (map) =>
      isObject(map) && Object.entries(map).every(([name, one]) => key.test(name) && value.accepts(one)),
  );

/** An object with these fields, those of `may` optional, that also passes `check`. */
export const shape = <T>(
  says: string,
  must: Record<string, Kind<never> | Kind<unknown> | Kind<string>>,
  may: Record<string, Kind<never> | Kind<unknown> | Kind<string> | Kind<boolean> | Kind<number>> = {},
  check: (value: Record<string, unknown>) => boolean = () => true,
): Kind<T> =>
  kind(
    says,
    (value) =>
      isObject(value) &&
      Object.keys(value).every((name) => name in must || name in may) &&
      Object.entries(must).every(([name, of]) => of.accepts(value[name])) &&
      Object.entries(may).every(([name, of]) => value[name] === undefined || of.accepts(value[name])) &&
      check(value),
  );

/** Any object, at most this deep: what it means is checked elsewhere. */
export const object = (says: string): Kind<Readonly<Record<string, unknown>>> =>
  kind(says, (value) => isObject(value) && JSON.stringify(value).length < 20_000);

// Shapes that Kubernetes and Coder check too, but only when a workspace is built.

/** A name in an API of Kubernetes: a namespace, a label. */
export const dnsLabel = text("a Kubernetes name (small letters, digits and dashes, at most 63)", {
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

export const toleration = shape<Toleration>(
  "{ key, operator, value, effect, tolerationSeconds } as in Kubernetes",
  {},
  {
    key: text("a key", { pattern: labelKey }),
    operator: choice("Exists", "Equal"),
    value: text("a value", { max: 63 }),
    effect: choice("NoSchedule", "PreferNoSchedule", "NoExecute"),
    tolerationSeconds: whole(0, 1_000_000_000),
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

const SOURCES = ["claim", "secret", "configMap", "emptyDir"];
export const volume = shape<Volume>(
  "{ name, mountPath, subPath, readOnly } and one of claim, secret, configMap (names) or emptyDir (a size)",
  {
    name: text("a name", { pattern: /^(?!home$|ca$)[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, max: 63 }),
    mountPath: absolutePath,
  },
  {
    subPath: text("a relative path", { pattern: /^(?!.*\.\.)[\w.@-][\w.@/-]*$/ }),
    readOnly: flag,
    claim: dnsLabel,
    secret: dnsNameOrEmpty,
    configMap: dnsNameOrEmpty,
    emptyDir: text("an amount", { pattern: /^([0-9]+(\.[0-9]+)?([MGT]|[KMGT]i)?)?$/ }),
  },
  (value) => SOURCES.filter((source) => value[source] !== undefined).length === 1,
);

export interface ImageChoice {
  readonly name: string;
  readonly image: string;
  readonly icon?: string;
}

export const imageChoice = shape<ImageChoice>(
  "{ name, image, icon }",
  { name: text("a name", { pattern: /^\S(.*\S)?$/, max: 64 }), image: imageName },
  { icon: text("an icon", { pattern: /^(https?:\/|)\/[^\s"\\]+$/ }) },
);

export interface Backend {
  readonly type: "local" | "s3" | "gcs" | "azurerm" | "pg" | "http" | "kubernetes";
  readonly [setting: string]: unknown;
}

export const backend = kind<Backend>(
  '{ "type": "local", "s3", "gcs", "azurerm", "pg", "http" or "kubernetes", and that backend\'s own settings, without secrets }',
  (value) =>
    isObject(value) &&
    choice("local", "s3", "gcs", "azurerm", "pg", "http", "kubernetes").accepts(value.type) &&
    !Object.keys(value).some((key) =>
      /password|token|^(access|secret)_key|client_secret|credentials|conn_str/i.test(key),
    ),
);

/** Addresses that a network policy names: 10.0.0.0/8, 2001:db8::/32. */
export const block = text("a block of addresses such as 10.0.0.0/8", {
  pattern:
    /^([0-9]{1,3}(\.[0-9]{1,3}){3}\/([0-9]|[12][0-9]|3[0-2])|[0-9a-fA-F:]+\/([0-9]{1,2}|1[01][0-9]|12[0-8]))$/,
});

export const url = text("a URL that begins with http:// or https://", {
  pattern: /^https?:\/\/[^\s'"\\<>`]+$/,
});
