import { Anchor, Button, Center, Divider, Paper, PasswordInput, Stack, Text, Title } from '@mantine/core';
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

export function LoginPage({ session, onLoggedIn }: Props) {
  useDocumentTitle('Log in · Tidemark');
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
    <Center component="main" mih="100vh" p="md">
      <Paper withBorder p="xl" radius="lg" w="100%" maw={400}>
        <Stack gap="md">
          <Mark />
          <Title order={1} size="h3">
            Log in
          </Title>
          {session.oidc === null ? null : (
            <>
              <Button component="a" href={session.oidc.url}>
                Log in with your organization
              </Button>
              <Divider label="or" />
            </>
          )}
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
            <Button
              type="submit"
              mt="md"
              fullWidth
              loading={busy}
              variant={session.oidc === null ? 'filled' : 'default'}
            >
              Log in
            </Button>
          </form>
          <Text size="xs" c="dimmed">
            The browser keeps a session cookie, never the token. Pulls need no console:{' '}
            <Anchor href="/v2/">/v2/</Anchor> serves them.
          </Text>
        </Stack>
      </Paper>
    </Center>
  );
}
