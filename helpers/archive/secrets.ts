// What a secret looks like. Pure text: compiled at the first use.

/**
 * Tokens that are known by their own form: name, what they begin with, the rest (or ^ and all of it). The second
 * word is also the quick test that lets most text pass unread.
 */
export const TOKENS = String.raw`
anthropic-key sk-ant- [a-z]+\d\d-[\w-]{16,}
openrouter-key sk-or- v\d-[0-9a-f]{32,}
openai-key sk- (?:(?:proj|svcacct|admin|None)-[\w-]{20,}|\w{20,}T3BlbkFJ\w{16,}|[A-Za-z0-9]{48})
huggingface-token hf_ [A-Za-z0-9]{30,}
groq-key gsk_ [A-Za-z0-9]{40,}
perplexity-key pplx- [A-Za-z0-9]{40,}
xai-key xai- [A-Za-z0-9]{60,}
replicate-token r8_ [A-Za-z0-9]{30,}
github-token gh[pousr]_ [A-Za-z0-9]{36,}
github-token github_pat_ \w{22,}
gitlab-token gl(?:pat|dt|rt|ptt|cbt|oas|soat|agent|imt|ft)- [\w.-]{20,}
aws-key-id A(?:3T[A-Z0-9]|KIA|SIA|BIA|CCA) [A-Z2-7]{16}(?![A-Za-z0-9])
google-key AIza [\w-]{35}
google-oauth-token ya29\. [\w-]{20,}
google-client-secret GOCSPX- [\w-]{20,}
azure-client-secret Q~ ^[\w.~-]{3}\dQ~[\w.~-]{31,34}
slack-token xox[abeoprs]- [\w-]{10,}
slack-token xapp-\d- [\w-]{20,}
slack-webhook hooks\.slack\.com\\*/ \w+\\*/[\w/\\+-]{20,}
teams-webhook webhook\.office\.com\\*/ [\w@/\\-]{20,}
discord-webhook discord(?:app)?\.com\\*/api\\*/webhooks\\*/ \d+\\*/[\w-]{20,}
discord-token \.[\w-]{6}\. ^[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,}
telegram-token \d:AA ^\d{8,10}:AA[\w-]{32,34}
stripe-key [rs]k_(?:live|test)_ \w{10,}
stripe-key whsec_ [A-Za-z0-9+/]{24,}
twilio-key SK[0-9a-f]{8} [0-9a-f]{24}(?!\w)
sendgrid-key SG\. [\w-]{16,}\.[\w-]{16,}
mailchimp-key -us\d ^[0-9a-f]{32}-us\d{1,2}(?!\w)
mailgun-key key- [0-9a-f]{32}(?!\w)
npm-token npm_ [A-Za-z0-9]{36}
pypi-token pypi-AgE [\w-]{50,}
rubygems-key rubygems_ [0-9a-f]{48}
docker-token dckr_[po]at_ [\w-]{20,}
vercel-token vc[aikpr]_ [A-Za-z0-9]{24,}
netlify-token nf[cpou]_ [A-Za-z0-9]{36,}
supabase-token sb(?:p|_secret)_ \w{22,}
figma-token fig[du]_ [\w-]{20,}
digitalocean-token do[opr]_v1_ [0-9a-f]{64}
heroku-key HRKU-AA [\w-]{40,}
fly-token f(?:m[12][ar]?|o1)_ [\w+/=-]{40,}
cloudflare-key v1\.0-[0-9a-f]{24}- [0-9a-f]{100,}
terraform-token \.atlasv1\. ^\w{14}\.atlasv1\.[\w=-]{60,}
vault-token hv[bsr]\. [\w-]{24,}
databricks-token dapi [0-9a-f]{32}
grafana-token gl(?:sa|c)_ [\w+/=]{32,}
sentry-token sntry[su]_ [\w=+/-]{40,}
linear-key lin_(?:api|oauth)_ [A-Za-z0-9]{32,}
notion-token ntn_ [A-Za-z0-9]{40,}
atlassian-token AT[AC]TT3 [\w=-]{50,}
postman-key PMAK- [0-9a-f]{24}-[0-9a-f]{34}
pulumi-token pul- [0-9a-f]{40}
doppler-token dp\.[a-z]+\. [\w.-]{40,}
shopify-token shp(?:at|ca|pa|ss)_ [0-9a-fA-F]{32}
newrelic-key NRAK- [A-Z0-9]{27}
planetscale-token pscale_(?:pw|tkn|oauth)_ [\w.=-]{32,}
1password-token ops_eyJ [\w+/=-]{50,}
tailscale-key tskey- [a-z]+-[\w-]{20,}
age-key AGE-SECRET-KEY-1 [A-Z0-9]{58}
jwt eyJ[\w-]{8} [\w-]{2,}\.eyJ[\w-]{10,}\.[\w-]{10,}
private-key -----BEGIN[\sA-Z]{0,30}PRIVATE\sKEY [\s\S]{0,9}-----(?:[\s\S]{0,16000}?-----END[\sA-Z]{0,30}KEY[\sA-Z]{0,6}-----|(?:(?:\\[nr]|[\s>|\d\u2192:+-]){0,40}[A-Za-z0-9+/=]{16,})*)
`;

/** A secret begins where a word does; escapes that JSON, terminals and URLs put in front are no part of a word. */
export const START = String.raw`(?<=^|[^A-Za-z0-9]|\\[nrtbf]|\\u[0-9a-fA-F]{4}|%[0-9A-F]{2}|\[[\d;]{0,9}m)`;

/** What cannot be a secret although it stands in a secret's place: variables, code, and words that mean "yours". */
const NOT = String.raw`(?!\[redacted:|[$<{%*]|\.{3}|x{3}|your|YOUR|example|change|process\.|os\.|import\.|env\.)`;
const IS = String.raw`\\*["']?\s{0,4}[=:]\s{0,4}\\*["']?`;

/** A secret that is known by what stands before it; `key` is the quick test, and must fit somewhere in the text. */
export type Place = { name: string; key: RegExp; before: string; secret: string; flags?: string };

export const PLACES: readonly Place[] = [
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
    // quoted, behind = anything, behind a colon what has a digit
    secret: String.raw`(?:(?<=["'])[^"'\n\\]{4,400}|(?<!["'])(?:(?<==\s{0,4})|(?=\S{0,80}\d))[^\s"'\\,;()[\]{}]{6,400})`,
    flags: "g",
  },
  {
    name: "named-value",
    key: /pass|token|secret|key/i,
    before: `(?:aws_(?:secret_access_key|session_token)|_auth(?:token)?|accountkey|sharedaccesskey|client_?secret|(?:access|refresh|auth|id|api|session)_?(?:token|key)|passwd|password|passphrase)${IS}`,
    secret: String.raw`(?=[^\s"'\\,;&()[\]{}]{0,60}\d)[^\s"'\\,;&()[\]{}]{8,400}`,
  },
];

/** A place's whole expression, the secret being its second group. */
export const placed = ({ before, secret, flags = "gi" }: Place): RegExp =>
  new RegExp(`(${before})(${NOT}${secret})`, flags);
