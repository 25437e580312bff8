import type { Credential, CredentialKind } from '../../db/schema/credentials.ts';
import { isListedHost } from '../../oci/hosts/address.ts';
import { TidemarkError, quoteValue } from '../../oci/error.ts';

/** The fields of a credential that depend on its kind. `password` and `serviceAccountKey` are its secret. */
export const kindFields = [
  'username',
  'password',
  'configFile',
  'helper',
  'region',
  'roleArn',
  'serviceAccountKey',
  'clientId',
] as const;
export type KindField = (typeof kindFields)[number];

interface Kind {
  readonly required: readonly KindField[];
  readonly optional: readonly KindField[];
  /** Hosts that the credential may be sent to if it names none itself; null: any. In a host with an inner `*`, each `*` stands for one label. */
  readonly hosts: readonly string[] | null;
}

/** Other names in these domains may be anybody's: functions, load balancers, machines. */
const ecrHosts = [
  '*.dkr.ecr.*.amazonaws.com',
  '*.dkr.ecr-fips.*.amazonaws.com',
  '*.dkr.ecr.*.amazonaws.com.cn',
  '*.dkr-ecr.*.on.aws',
  '*.dkr-ecr-fips.*.on.aws',
  '*.dkr-ecr.*.on.amazonwebservices.com.cn',
];

export const credentialKindRules: Readonly<Record<CredentialKind, Kind>> = {
  STATIC: { required: ['username', 'password'], optional: [], hosts: null },
  // Their entries belong to hosts.
  DOCKER_CONFIG: { required: [], optional: ['configFile'], hosts: null },
  HELPER: { required: ['helper'], optional: [], hosts: null },
  ECR: { required: [], optional: ['region', 'roleArn'], hosts: ecrHosts },
  GOOGLE: { required: [], optional: ['serviceAccountKey'], hosts: ['*.pkg.dev', 'gcr.io', '*.gcr.io'] },
  AZURE: { required: [], optional: ['clientId'], hosts: ['*.azurecr.io', '*.azurecr.cn', '*.azurecr.us'] },
};

/** Whether the credential is an identity of the server, and not of the person who made it. */
export function isAmbient(kind: CredentialKind, hasOwnKey: boolean): boolean {
  return kind !== 'STATIC' && !(kind === 'GOOGLE' && hasOwnKey);
}

/** The hosts that may receive the credential; null: any. */
function hostsOf({ kind, hosts }: Pick<Credential, 'kind' | 'hosts'>): readonly string[] | null {
  return hosts ?? credentialKindRules[kind].hosts;
}

function isAmong(registry: URL, hosts: readonly string[]): boolean {
  return isListedHost(registry, hosts) || hosts.some((host) => fitsLabels(registry.hostname, host));
}

/** For defaults such as `*.dkr.ecr.*.amazonaws.com`: callers cannot give an inner `*`. */
function fitsLabels(hostname: string, pattern: string): boolean {
  const wanted = pattern.split('.').toReversed();
  const given = hostname.split('.').toReversed();
  if (!pattern.includes('.*.') || given.length !== wanted.length) return false;
  return wanted.every((label, index) => label === '*' || label === given[index]);
}

/** Whether a change of the hosts lets no further host receive the credential. */
export function keepsHosts(
  current: Pick<Credential, 'kind' | 'hosts'>,
  hosts: readonly string[] | null,
): boolean {
  const before = hostsOf(current);
  const after = hostsOf({ kind: current.kind, hosts });
  if (before === null || after === null) return before === null;
  return after.every((host) => {
    if (before.includes(host)) return true;
    if (host.startsWith('*.'))
      return before.some((rule) => rule.startsWith('*.') && host.endsWith(rule.slice(1)));
    return URL.canParse(`https://${host}`) && isAmong(new URL(`https://${host}`), before);
  });
}

/** Why the credential may not be sent to a registry; undefined: it may. */
export function hostRefusal(
  credential: Pick<Credential, 'kind' | 'hosts' | 'name'>,
  registry: URL,
): string | undefined {
  const hosts = hostsOf(credential);
  if (hosts === null || isAmong(registry, hosts)) return undefined;
  return (
    `The credential ${quoteValue(credential.name)} may not be sent to ${registry.host}; its hosts are ${hosts.join(', ')}. ` +
    'Choose another credential, or add the host to its hosts.'
  );
}

/** @throws TidemarkError `CREDENTIAL_REFUSED` */
export function checkHost(credential: Pick<Credential, 'kind' | 'hosts' | 'name'>, registry: URL): void {
  const refusal = hostRefusal(credential, registry);
  if (refusal !== undefined) throw new TidemarkError('CREDENTIAL_REFUSED', refusal);
}
