import { Choice } from '../shared/forms/choice.tsx';
import { BlobPolicyField } from './blob-policy-field.tsx';
import type { SettingsProps } from './settings-values.ts';

interface Props extends SettingsProps {
  readonly policies: readonly { readonly id: string; readonly name: string }[];
}

/** When layers are fetched, and which images are trusted. */
export function ContentFields({ values, set, at, policies }: Props) {
  return (
    <>
      <BlobPolicyField value={values.policy} onChange={(policy) => set({ policy })} error={at('policy')} />
      <Choice
        label="Signature policy"
        none="None: every image is taken"
        value={values.signaturePolicyId}
        options={policies}
        onChange={(signaturePolicyId) => set({ signaturePolicyId })}
        error={at('signaturePolicyId')}
      />
    </>
  );
}
