import type { Viewer } from '../../../access/viewer.ts';
import type { Em } from '../../../db/open-database.ts';
import type { Mistake } from '../../../operations/mistakes.ts';
import { lockNamedPolicy } from '../../../operations/signature-policies.ts';
import { toOptionalReference } from '../run-mutation.ts';

/** For inputs that name a policy. */
export const signaturePolicyIdOption = {
  nullable: true,
  description: 'The signature policy; null: none.',
} as const;

/** As `lockNamedPolicy`, for an input's `signaturePolicyId`. */
export function readSignaturePolicyId(
  em: Em,
  viewer: Viewer,
  id: string | null | undefined,
  mistakes: Mistake[],
): Promise<number | null | undefined> {
  return lockNamedPolicy(
    em,
    viewer,
    toOptionalReference('SignaturePolicy', 'signaturePolicyId', id),
    mistakes,
  );
}
