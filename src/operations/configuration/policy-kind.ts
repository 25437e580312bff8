import { toSignatureRules } from '../../db/policies/signature-policies.ts';
import { SignaturePolicy } from '../../db/schema/signatures.ts';
import {
  createSignaturePolicy,
  deleteSignaturePolicy,
  updateSignaturePolicy,
} from '../signature-policies.ts';
import type { SignaturePolicyFields } from '../signature-policies.ts';
import { readRows } from './find-named.ts';
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
  async read(reader, which) {
    const rows = await readRows(reader, SignaturePolicy, which);
    return rows.map((row) => {
      const { id, name, onFailure } = row;
      return { id, name, values: { name, onFailure, ...toSignatureRules(row) } };
    });
  },
  create: (maker, { checkRules }, values) =>
    createSignaturePolicy(maker, values as unknown as Fields, checkRules),
  update: (maker, { checkRules }, { thing, changes }) =>
    updateSignaturePolicy(maker, thing, changes, checkRules),
  remove: (maker, _, thing) => deleteSignaturePolicy(maker, thing),
};
