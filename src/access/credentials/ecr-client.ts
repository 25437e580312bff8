import type { ECRClient } from '@aws-sdk/client-ecr';
import type { Credential } from '../../db/schema/credentials.ts';

const requestHandler = { connectionTimeout: 5_000, requestTimeout: 15_000 };

/** A client of ECR, with the AWS SDK's default chain of credentials, or a role that they assume. Whoever opens it destroys it. */
export async function openEcrClient(
  { region: given, roleArn }: Pick<Credential, 'region' | 'roleArn'>,
  registry: URL,
): Promise<ECRClient> {
  const { ECRClient: Client } = await import('@aws-sdk/client-ecr');
  const region = given ?? regionOf(registry);
  const place = region === undefined ? {} : { region };
  const role = roleArn == null ? {} : { credentials: await assume(roleArn, place) };
  return new Client({ ...place, ...role, requestHandler });
}

async function assume(roleArn: string, clientConfig: { readonly region?: string }) {
  const { fromTemporaryCredentials } = await import('@aws-sdk/credential-providers');
  return fromTemporaryCredentials({
    params: { RoleArn: roleArn, RoleSessionName: 'tidemark' },
    clientConfig: { ...clientConfig, requestHandler },
  });
}

/** `123456789012.dkr.ecr.eu-central-1.amazonaws.com`, `123456789012.dkr-ecr.eu-central-1.on.aws` */
function regionOf({ hostname }: URL): string | undefined {
  return /^\d+\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\./.exec(hostname)?.[1];
}

export interface AwsFailure {
  /** What AWS or its library said, and what to check. */
  readonly message: string;
  readonly retryable: boolean;
}

/** Errors of the SDK hold requests, so only the name and the status are kept. @param right The permission that the request needs. */
export function describeAwsFailure(
  error: Error,
  { roleArn }: Pick<Credential, 'roleArn'>,
  right: string,
): AwsFailure {
  const { httpStatusCode: status } =
    '$metadata' in error ? (error.$metadata as { httpStatusCode?: number }) : {};
  const isOurs =
    error.name === 'CredentialsProviderError' || (status !== undefined && status < 500 && status !== 429);
  const what = status === undefined ? error.name : `${error.name}, status ${status}`;
  const assuming = roleArn == null ? '' : ` and to assume ${roleArn}`;
  const message = `(${what}). Check the credentials of the process, its region, and its right to ${right}${assuming}.`;
  return { message, retryable: !isOurs };
}
