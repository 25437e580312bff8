/** For inputs that name a policy. */
export const signaturePolicyIdOption = {
  nullable: true,
  description: 'The signature policy; null: none.',
} as const;
