import { describeAwsFailure, openEcrClient } from './ecr-client.ts';
import { unavailable } from './provider.ts';
import type { CredentialProvider, CredentialRequest } from './provider.ts';

/** ECR's GetAuthorizationToken. */
export const provideByEcr: CredentialProvider = async (request) => {
  const { credential, registry, signal } = request;
  const { GetAuthorizationTokenCommand } = await import('@aws-sdk/client-ecr');
  const client = await openEcrClient(credential, registry);
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

function awsFailure(request: CredentialRequest, error: unknown): unknown {
  if (!(error instanceof Error) || error.name === 'TidemarkError') return error;
  const { message, retryable } = describeAwsFailure(error, request.credential, 'ecr:GetAuthorizationToken');
  return unavailable(request, `AWS gave no token ${message}`, { retryable });
}
