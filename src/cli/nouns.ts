/** Things that people name instead of giving an id. */
interface Noun {
  /** The field of the API that reads one. */
  readonly query: string;
  readonly key: 'name' | 'basePath';
  readonly type: string;
  readonly words: string;
  /** The command that lists them, and the field of the API. */
  readonly list: string;
  readonly connection: string;
}

export type NounName =
  | 'repository'
  | 'remote'
  | 'distribution'
  | 'policy'
  | 'credential'
  | 'rule'
  | 'proxy'
  | 'webhook';

export const nouns: Readonly<Record<NounName, Noun>> = {
  repository: {
    query: 'repository',
    key: 'name',
    type: 'Repository',
    words: 'repository',
    list: 'repositories',
    connection: 'repositories',
  },
  remote: {
    query: 'remote',
    key: 'name',
    type: 'Remote',
    words: 'remote',
    list: 'remotes',
    connection: 'remotes',
  },
  distribution: {
    query: 'distribution',
    key: 'basePath',
    type: 'Distribution',
    words: 'distribution',
    list: 'distributions',
    connection: 'distributions',
  },
  credential: {
    query: 'credential',
    key: 'name',
    type: 'Credential',
    words: 'credential',
    list: 'credential list',
    connection: 'credentials',
  },
  policy: {
    query: 'signaturePolicy',
    key: 'name',
    type: 'SignaturePolicy',
    words: 'signature policy',
    list: 'policies',
    connection: 'signaturePolicies',
  },
  rule: {
    query: 'mirrorRule',
    key: 'name',
    type: 'MirrorRule',
    words: 'mirror rule',
    list: 'rules',
    connection: 'mirrorRules',
  },
  proxy: {
    query: 'proxy',
    key: 'basePath',
    type: 'Proxy',
    words: 'proxy',
    list: 'proxies',
    connection: 'proxies',
  },
  webhook: {
    query: 'webhook',
    key: 'name',
    type: 'Webhook',
    words: 'webhook',
    list: 'webhooks',
    connection: 'webhooks',
  },
};
