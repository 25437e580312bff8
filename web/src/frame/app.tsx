import { MantineProvider } from '@mantine/core';
import { RouterProvider } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo, useState } from 'react';
import { Provider } from 'urql';
import { createGraphqlClient } from '../graphql/client.ts';
import { LoginPage } from '../session/login-page.tsx';
import { SessionContext, readSession } from '../session/session.ts';
import type { Session } from '../session/session.ts';
import { readNonce } from './nonce.ts';
import { router } from './router.tsx';
import { theme, variables } from './theme.ts';
import { Unreachable } from './unreachable.tsx';

export function App() {
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={variables}
      defaultColorScheme="auto"
      getStyleNonce={readNonce}
    >
      <Console />
    </MantineProvider>
  );
}

function Console() {
  const [session, setSession] = useState<Session>();
  const [problem, setProblem] = useState<string>();
  const read = useCallback(() => {
    setProblem(undefined);
    readSession().then(setSession, (error: Error) => setProblem(error.message));
  }, []);
  useEffect(read, [read]);
  // A new client for each caller: nothing that one has read stays for the next.
  const caller = session?.caller?.name;
  const client = useMemo(() => createGraphqlClient({ onLoggedOut: read }), [read, caller]);
  if (problem !== undefined) return <Unreachable message={problem} onRetry={read} />;
  if (session === undefined) return null;
  if (session.login !== 'none' && session.caller === null)
    return <LoginPage session={session} onLoggedIn={read} />;
  return (
    <SessionContext value={session}>
      <Provider value={client}>
        <RouterProvider router={router} />
      </Provider>
    </SessionContext>
  );
}
