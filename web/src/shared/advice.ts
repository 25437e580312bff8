import type { CombinedError } from 'urql';

interface Advice {
  readonly title: string;
  readonly message: string;
}

export function adviceFor(error: CombinedError): Advice {
  if (error.networkError !== undefined) {
    const status = (error.response as Response | undefined)?.status;
    return status === undefined || status >= 500
      ? {
          title: 'The server did not answer',
          message: 'Check that the API process runs, for example with /healthz. What you typed is kept.',
        }
      : { title: `The server answered with ${status}`, message: error.networkError.message };
  }
  const [first] = error.graphQLErrors;
  const message = error.graphQLErrors.map((each) => each.message).join(' ');
  switch (first?.extensions['code']) {
    case 'FORBIDDEN':
      return { title: 'Your role does not allow this', message };
    case 'UNAUTHENTICATED':
      return { title: 'You are logged out', message: 'Log in again.' };
    default:
      return { title: 'The request failed', message };
  }
}
