import { unavailable } from './provider.ts';
import type { CredentialProvider, CredentialRequest } from './provider.ts';

const requestHandler = { connectionTimeout: 5_000, requestTimeout: 15_000 };

/** ECR's GetAuthorizationToken, with the AWS SDK's default chain of credentials, or a role that they assume. */
export const provideByEcr: CredentialProvider = async (request) => {
  const { credential, signal } = request;
  const { ECRClient, GetAuthorizationTokenCommand } = await import('@aws-sdk/client-ecr');
  const region = credential.region ?? regionOf(request.registry);
  const place = region === undefined ? {} : { region };
  const role = credential.roleArn == null ? {} : { credentials: await assume(credential.roleArn, place) };
  const client = new ECRClient({ ...place, ...role, requestHandler });
  try {
    const { authorizationData } = await client.send(new GetAuthorizationTokenCommand({}), {
      abortSignal: signal,
    });
    const [data] = authorizationData ?? [];
    const decoded = Buffer.from(data?.authorizationToken ?? '', 'base64').toString('utf8');
    const colon = decoded.indexOf(':');
    if (colon < 1) throw unavailable(request, 'the answer to GetAuthorizationToken has no token.');
    return {
      login: { kind: 'basic', username: decoded.slice(0, colon), password: decoded.slice(colon + 1) },
      lifeMs: data?.expiresAt === undefined ? undefined : data.expiresAt.getTime() - Date.now(),
    };
  } catch (error) {
    throw awsFailure(request, error);
  } finally {
    client.destroy();
  }
};

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

/** Errors of the SDK hold requests, so only the name and the status are kept. */
function awsFailure(request: CredentialRequest, error: unknown): unknown {
  if (!(error instanceof Error) || error.name === 'TidemarkError') return error;
  const { httpStatusCode: status } =
    '$metadata' in error ? (error.$metadata as { httpStatusCode?: number }) : {};
  const isOurs =
    error.name === 'CredentialsProviderError' || (status !== undefined && status < 500 && status !== 429);
  const what = status === undefined ? error.name : `${error.name}, status ${status}`;
  const { roleArn } = request.credential;
  const assuming = roleArn == null ? '' : ` and to assume ${roleArn}`;
  return unavailable(
    request,
    `AWS gave no token (${what}). Check the credentials of the process, its region, and its right to ecr:GetAuthorizationToken${assuming}.`,
    { retryable: !isOurs },
  );
}
