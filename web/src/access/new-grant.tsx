import { SegmentedControl, Select, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useQuery } from 'urql';
import { graphql } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import { Choice } from '../shared/forms/choice.tsx';
import { EditDialog } from '../shared/forms/edit-dialog.tsx';
import { roles } from './roles.ts';
import type { Role } from './roles.ts';

const Holders = graphql(`
  query Holders {
    tokens(first: 100) {
      nodes {
        id
        name
        revokedAt
      }
    }
  }
`);

const CreateGrant = graphql(`
  mutation CreateGrant($input: GrantCreateInput!) {
    grantCreate(input: $input) {
      grant {
        id
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

const kinds = [
  { value: 'tokenId', label: 'Token' },
  { value: 'oidcSubject', label: 'OIDC subject' },
  { value: 'oidcGroup', label: 'OIDC group' },
];

export function NewGrant({ onClose }: { readonly onClose: () => void }) {
  const [kind, setKind] = useState('tokenId');
  const [holder, setHolder] = useState<string | null>(null);
  const [role, setRole] = useState<Role>('READER');
  const [scope, setScope] = useState('*');
  const { submit, busy, error, at, elsewhere } = useSubmit(CreateGrant, (result) => result.grantCreate);
  const save = async () => {
    if ((await submit({ input: { role, scope, [kind]: holder } })) !== undefined) onClose();
  };
  return (
    <EditDialog
      title="New grant"
      onClose={onClose}
      onSubmit={() => void save()}
      submitLabel="Grant"
      busy={busy}
      error={error}
      others={elsewhere('role', 'scope', kind)}
      size="md"
    >
      <HolderFields
        kind={kind}
        holder={holder}
        onChange={(chosen, one) => {
          setKind(chosen);
          setHolder(one);
        }}
        at={at}
      />
      <Select
        label="Role"
        allowDeselect={false}
        data={roles}
        value={role}
        onChange={(value) => value !== null && setRole(value)}
        error={at('role')}
      />
      <TextInput
        label="For"
        description="* for everything, team/* for names below team/, or one name"
        value={scope}
        onChange={(event) => setScope(event.currentTarget.value)}
        error={at('scope')}
      />
    </EditDialog>
  );
}

interface HolderProps {
  readonly kind: string;
  /** An id, a subject or a group. */
  readonly holder: string | null;
  readonly onChange: (kind: string, holder: string | null) => void;
  /** The API's messages for a field. */
  readonly at: (field: string) => string | undefined;
}

function HolderFields({ kind, holder, onChange, at }: HolderProps) {
  const [{ data }] = useQuery({ query: Holders });
  return (
    <>
      <SegmentedControl
        aria-label="Holder"
        data={kinds}
        value={kind}
        onChange={(chosen) => onChange(chosen, null)}
      />
      {kind === 'tokenId' ? (
        <Choice
          label="Token"
          required
          value={holder}
          options={(data?.tokens.nodes ?? []).filter(({ revokedAt }) => revokedAt === null)}
          onChange={(id) => onChange(kind, id)}
          error={at('tokenId')}
        />
      ) : (
        <TextInput
          label={kind === 'oidcGroup' ? 'Group' : 'Subject'}
          required
          value={holder ?? ''}
          onChange={(event) => onChange(kind, event.currentTarget.value)}
          error={at(kind)}
        />
      )}
    </>
  );
}
