import { graphql } from '../graphql/graphql.ts';
import { useSubmit } from '../graphql/use-submit.ts';
import { ConfirmButton } from '../shared/confirm-button.tsx';

const DeleteGrant = graphql(`
  mutation DeleteGrant($input: GrantDeleteInput!) {
    grantDelete(input: $input) {
      deletedId
      userErrors {
        code
        field
        message
      }
    }
  }
`);

export function RevokeGrant({ id, question }: { readonly id: string; readonly question: string }) {
  const { submit, busy, elsewhere, error } = useSubmit(DeleteGrant, (data) => data.grantDelete);
  return (
    <ConfirmButton
      label="Revoke"
      question={question}
      busy={busy}
      mistakes={elsewhere()}
      error={error}
      onConfirm={() => submit({ input: { id } })}
    />
  );
}
