import {
  Alert,
  Anchor,
  Button,
  Center,
  Divider,
  Paper,
  PasswordInput,
  Stack,
  Text,
  Title,
} from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { useState } from 'react';
import type { FormEvent } from 'react';
import { Mark } from '../frame/mark.tsx';
import { logIn } from './session.ts';
import type { Session } from './session.ts';

interface Props {
  readonly session: Session;
  readonly onLoggedIn: () => void;
}

/** Why the issuer's answer opened no session: the code in the address. */
const refusals: Record<string, string> = {
  OIDC_LOGIN_EXPIRED: 'This login was begun more than ten minutes ago, or in another browser. Log in again.',
  OIDC_LOGIN_REFUSED: 'You or your organization refused the login. The log of the server says why.',
  OIDC_UNAVAILABLE: 'Your organization did not answer. Try again in a moment.',
};

/** The page that was asked for, and what the issuer has answered. */
function readAddress() {
  const { pathname, search, hash } = window.location;
  const code = pathname === '/login' ? new URLSearchParams(search).get('error') : null;
  return {
    wanted: pathname === '/login' ? '/' : `${pathname}${search}${hash}`,
    refusal: code === null ? undefined : (refusals[code] ?? `The login failed with ${code}. Log in again.`),
  };
}

export function LoginPage({ session, onLoggedIn }: Props) {
  useDocumentTitle('Log in · Tidemark');
  const { wanted, refusal } = readAddress();
  const { oidc } = session;
  // A server that takes tokens of an issuer only, and has a login there, needs no field for one.
  const takesToken = session.login === 'tokens' || oidc === null;
  return (
    <Center component="main" mih="100vh" p="md">
      <Paper withBorder p="xl" radius="lg" w="100%" maw={400}>
        <Stack gap="md">
          <Mark />
          <Title order={1} size="h3">
            Log in
          </Title>
          {refusal === undefined ? null : (
            <Alert color="red" role="alert">
              {refusal}
            </Alert>
          )}
          {oidc === null ? null : (
            <Button component="a" href={`${oidc.url}?to=${encodeURIComponent(wanted)}`}>
              Log in with your organization
            </Button>
          )}
          {oidc === null || !takesToken ? null : <Divider label="or" />}
          {takesToken ? <TokenForm isOnly={oidc === null} onLoggedIn={onLoggedIn} /> : null}
          <Text size="xs" c="dimmed">
            The browser keeps a session cookie, never the token. Pulls need no console:{' '}
            <Anchor href="/v2/">/v2/</Anchor> serves them.
          </Text>
        </Stack>
      </Paper>
    </Center>
  );
}

interface TokenFormProps {
  /** Whether it is the only way to log in. */
  readonly isOnly: boolean;
  readonly onLoggedIn: () => void;
}

function TokenForm({ isOnly, onLoggedIn }: TokenFormProps) {
  const [token, setToken] = useState('');
  const [mistake, setMistake] = useState<string>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    const answer = await logIn(token.trim()).catch((error: Error) => error.message);
    setBusy(false);
    setMistake(answer);
    if (answer === undefined) onLoggedIn();
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <PasswordInput
        label="Token"
        description="An administrator creates it: tidemark token create NAME"
        value={token}
        onChange={(event) => setToken(event.currentTarget.value)}
        error={mistake}
        autoComplete="current-password"
        data-autofocus
        autoFocus
        required
      />
      <Button type="submit" mt="md" fullWidth loading={busy} variant={isOnly ? 'filled' : 'default'}>
        Log in
      </Button>
    </form>
  );
}
