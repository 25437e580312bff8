import { useQuery } from 'urql';
import { graphql } from '../graphql/graphql.ts';

export type Role = 'READER' | 'PUSHER' | 'MAINTAINER' | 'ADMIN';

const ViewerQuery = graphql(`
  query Viewer {
    viewer {
      isAdmin
      roles {
        role
        scope
      }
    }
  }
`);

const ranks: readonly Role[] = ['READER', 'PUSHER', 'MAINTAINER', 'ADMIN'];

/** Whether a scope covers a name: "*", "team/*", or the name itself. */
export function covers(scope: string, name: string): boolean {
  if (scope === '*') return true;
  return scope.endsWith('/*') ? name.startsWith(scope.slice(0, -1)) : scope === name;
}

/**
 * Whether the caller has a role for a name, or for any name; ROOT is the role admin for everything. False until it is
 * known, so that nothing is offered that the server refuses.
 */
export function useMay(): (role: Role | 'ROOT', name?: string) => boolean {
  const [{ data }] = useQuery({ query: ViewerQuery, requestPolicy: 'cache-first' });
  return (role, name) => {
    if (data === undefined) return false;
    if (role === 'ROOT') return data.viewer.isAdmin;
    return data.viewer.roles.some(
      (held) =>
        ranks.indexOf(held.role) >= ranks.indexOf(role) && (name === undefined || covers(held.scope, name)),
    );
  };
}
