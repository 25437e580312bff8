import { Select } from '@mantine/core';
import { blobPolicies } from './blob-policies.ts';

type BlobPolicy = (typeof blobPolicies)[number]['value'];

interface Props {
  readonly value: BlobPolicy;
  readonly onChange: (policy: BlobPolicy) => void;
  readonly error: string | undefined;
}

export function BlobPolicyField({ value, onChange, error }: Props) {
  return (
    <Select
      label="Layers"
      allowDeselect={false}
      data={blobPolicies}
      value={value}
      onChange={(policy) => policy !== null && onChange(policy)}
      error={error}
    />
  );
}
