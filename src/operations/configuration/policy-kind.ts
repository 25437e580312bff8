import { may } from '../../access/viewer.ts';
import { toSignatureRules } from '../../db/policies/signature-policies.ts';
import { SignaturePolicy } from '../../db/schema/signatures.ts';
import {
  createSignaturePolicy,
  deleteSignaturePolicy,
  updateSignaturePolicy,
} from '../signature-policies.ts';
import type { SignaturePolicyFields } from '../signature-policies.ts';
import { inOrderOfIds, whereOf } from './kind.ts';
import type { Kind } from './kind.ts';

type Fields = SignaturePolicyFields & { readonly name: string };

export const policyKind: Kind = {
  kind: 'SIGNATURE_POLICY',
  section: 'signaturePolicies',
  nameField: 'name',
  defaults: {
    onFailure: 'SKIP_TAG',
    keys: [],
    openPgpKeys: [],
    identities: [],
    trustedRoot: null,
    dockerReference: null,
  },
  kept: [],
  secrets: [],
  references: {},
  async read({ em, viewer }, which) {
    const rows = await em.find(SignaturePolicy, whereOf(which, 'name'), inOrderOfIds);
    return rows
      .filter(({ name }) => may(viewer, 'reader', name))
      .map((row) => ({
        id: row.id,
        name: row.name,
        values: { name: row.name, onFailure: row.onFailure, ...toSignatureRules(row) },
      }));
  },
  create: (operator, { checkRules }, values) =>
    createSignaturePolicy(operator, values as unknown as Fields, checkRules),
  update: (operator, { checkRules }, { thing, changes }) =>
    updateSignaturePolicy(operator, thing, changes, checkRules),
  remove: (operator, _, thing) => deleteSignaturePolicy(operator, thing),
};
