// What secrets look like. These are texts; the redactor compiles them at their first use.

/**
 * Tokens that are recognised by their form: name, beginning, and rest (or ^ and the whole pattern). The beginning is also
 * the quick test that most texts fail.
 */
export const TOKENS = String.raw`
anthropic sk-ant- [a-z]+\d\d-[\w-]{16,}
openrouter sk-or- v\d-[0-9a-f]{32,}
openai sk- (?:(?:proj|svcacct|admin|None)-[\w-]{20,}|\w{20,}T3BlbkFJ\w{16,}|[A-Za-z0-9]{48})
huggingface hf_ a30
groq gsk_ a40
perplexity pplx- a40
xai xai- a60
replicate r8_ a30
github gh[pousr]_ a36
github github_pat_ w22
gitlab gl(?:pat|dt|rt|ptt|cbt|oas|soat|agent|imt|ft)- w20
aws A(?:3T[A-Z0-9]|KIA|SIA|BIA|CCA) [A-Z2-7]{16}(?!\w)
google (?:AIza|ya29\.|GOCSPX-) w20
azure Q~ ^[\w.~-]{3}\dQ~[\w.~-]{31,34}
slack xox[abeoprs]-|xapp-\d- w10
slack hooks\.slack\.com\\*/ \w+\\*/[\w/\\+-]{20,}
teams webhook\.office\.com\\*/ [\w@/\\-]{20,}
discord discord(?:app)?\.com\\*/api\\*/webhooks\\*/ \d+\\*/[\w-]{20,}
discord \.[\w-]{6}\. ^[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,}
telegram \d:AA ^\d{8,10}:AA[\w-]{32,34}
stripe [rs]k_(?:live|test)_|whsec_ w10
twilio SK[0-9a-f]{8} h24
sendgrid SG\. [\w-]{16,}\.[\w-]{16,}
mailchimp -us\d ^[0-9a-f]{32}-us\d{1,2}(?!\w)
mailgun key- h32
npm npm_ a36
pypi pypi-AgE w50
rubygems rubygems_ h48
docker dckr_[po]at_ w20
vercel vc[aikpr]_ a24
netlify nf[cpou]_ a36
supabase sb(?:p|_secret)_ w22
figma fig[du]_ w20
digitalocean do[opr]_v1_ h64
heroku HRKU-AA w40
fly f(?:m[12][ar]?|o1)_ w40
cloudflare v1\.0-[0-9a-f]{24}- h99
terraform \.atlasv1\. ^\w{14}\.atlasv1\.[\w=-]{60,}
vault hv[bsr]\. w24
databricks dapi h32
grafana gl(?:sa|c)_ w32
sentry sntry[su]_ w40
linear lin_(?:api|oauth)_ a32
notion ntn_ a40
atlassian AT[AC]TT3 w50
postman PMAK- w59
pulumi pul- h40
doppler dp\.[a-z]+\. w40
shopify shp(?:at|ca|pa|ss)_ h32
newrelic NRAK- a27
planetscale pscale_(?:pw|tkn|oauth)_ w32
1password ops_eyJ w50
tailscale tskey- [a-z]+-[\w-]{20,}
age AGE-SECRET-KEY-1 a58
jwt eyJ[\w-]{8} [\w-]{2,}\.eyJ[\w-]{10,}\.[\w-]{10,}
private-key -----BEGIN[\sA-Z]{0,30}PRIVATE\sKEY [\s\S]{0,9}-----(?:[\s\S]{0,16000}?-----END[\sA-Z]{0,30}KEY[\sA-Z]{0,6}-----|(?:(?:\\[nr]|[\s>|\d\u2192:+-]){0,40}[A-Za-z0-9+/=]{16,})*)
`;

/** `a30`, `h30` and `w30` mean at least 30 letters and digits, hexadecimal digits, or characters of a token. */
export const SHORT: Record<string, string> = { a: "[A-Za-z0-9]", h: "[0-9a-fA-F]", w: "[\\w.+/=-]" };

/** Where a secret can begin: at the start of a word, or after an escape of JSON, a terminal or a URL. */
export const START = String.raw`(?<=^|[^A-Za-z0-9]|\\[nrtbf]|\\u[0-9a-fA-F]{4}|%[0-9A-F]{2}|\[[\d;]{0,9}m)`;

/** What is not a secret although it stands where one would: variables, code and placeholders. */
const NOT = String.raw`(?!\[redacted:|[$<{%*]|\.{3}|x{3}|your|YOUR|example|change|process\.|os\.|import\.|env\.)`;
const IS = String.raw`\\*["']?\s{0,4}[=:]\s{0,4}\\*["']?`;

/** A secret that is recognised by what comes before it. `key` is the quick test: it must match somewhere in the text. */
export type SecretContext = { name: string; key: RegExp; before: string; secret: string; flags?: string };

export const CONTEXTS: readonly SecretContext[] = [
  {
    name: "url-password",
    key: /:\\*\/\\*\/[^\s@]{0,300}@/,
    before: String.raw`:\\*\/\\*\/[^\s:@/"'<>]{0,100}:`,
    secret: String.raw`[^\s@/"'<>]{1,200}(?=@)`,
  },
  {
    name: "authorization-header",
    key: /bearer|authorization/i,
    before: String.raw`${START}(?:authorization${IS}(?:bearer|basic|token|bot)\s{1,4}|bearer\s{1,4}(?=[\w.~+/-]{0,300}\d))`,
    secret: String.raw`[\w.~+/=-]{12,}`,
  },
  {
    name: "api-key-header",
    key: /(?:key|token)\\*["']?:/i,
    before: `${START}(?:x-)?(?:[a-z]{1,9}-)?(?:api-key|auth-token|private-token|access-token)${IS}`,
    secret: String.raw`[\w.~+/=-]{12,}`,
  },
  {
    name: "curl-password",
    key: /curl\s/,
    before: String.raw`${START}curl(?=\s)[^\n]{0,300}?\s(?:-u|--user)[\s=]{0,3}["']?[^\s:"']{1,100}:`,
    secret: String.raw`[^\s"']{1,200}`,
  },
  {
    name: "netrc-password",
    key: /machine\s/,
    before: String.raw`${START}machine\s+\S{1,200}\s+login\s+\S{1,200}\s+password\s+`,
    secret: String.raw`\S{1,200}`,
  },
  {
    name: "kubernetes-secret",
    key: /kind:\s*["']?Secret\b/,
    before: String.raw`(?:\n|\\n)[^\n\w]{0,20}(?!name|kind|type|uid|resourceV)[\w.-]{1,100}:[ ]+["']?`,
    secret: String.raw`(?:[A-Za-z0-9+/]{4}){2,}[A-Za-z0-9+/=]{0,4}(?=["']?(?:\s|\\n|$))`,
  },
  {
    name: "env-value",
    key: /SECRET|TOKEN|PASS|PWD|KEY|CRED/,
    before: `${START}[A-Z0-9_]{0,50}(?:SECRET|TOKEN(?!S)|PASSWORD|PASSWD|PASSPHRASE|_PWD|_PASS|CREDENTIALS?|(?:API|ACCESS|PRIVATE|ENCRYPTION|SIGNING|MASTER|AUTH|ACCOUNT)_?KEY)[A-Z0-9_]{0,30}${IS}`,
    // in quotes, or anything after =, or after a colon something with a digit
    secret: String.raw`(?:(?<=["'])[^"'\n\\]{4,400}|(?<!["'])(?:(?<==\s{0,4})|(?=\S{0,80}\d))[^\s"'\\,;()[\]{}]{6,400})`,
    flags: "g",
  },
  {
    name: "named-value",
    key: /pass|token|secret|key/i,
    before: `${START}(?:aws_(?:secret_access_key|session_token)|_auth(?:token)?|accountkey|sharedaccesskey|client_?secret|(?:access|refresh|auth|id|api|session)_?(?:token|key)|passwd|password|passphrase)${IS}`,
    secret: String.raw`(?=[^\s"'\\,;&()[\]{}]{0,60}\d)[^\s"'\\,;&()[\]{}]{8,400}`,
  },
];

/** Returns the whole pattern. Its second group is the secret. */
export const contextPattern = ({ before, secret, flags = "gi" }: SecretContext): RegExp =>
  new RegExp(`(${before})(${NOT}${secret})`, flags);
