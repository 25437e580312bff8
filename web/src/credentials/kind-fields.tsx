import { Group, PasswordInput, TextInput, Textarea } from '@mantine/core';
import type { Values } from './credential-values.ts';

interface Props {
  readonly values: Values;
  readonly hasSecret: boolean;
  readonly set: (changes: Partial<Values>) => void;
  /** The API's messages for a field. */
  readonly at: (field: string) => string | undefined;
}

/** The fields that the kind takes. */
export function KindFields(props: Props) {
  switch (props.values.kind) {
    case 'STATIC':
      return <StaticFields {...props} />;
    case 'DOCKER_CONFIG':
      return (
        <TextField
          {...props}
          field="configFile"
          label="File"
          description="In TIDEMARK_DOCKER_CONFIG_DIR of the server; empty: config.json"
        />
      );
    case 'HELPER':
      return (
        <TextField
          {...props}
          field="helper"
          label="Helper"
          description="The name after docker-credential-, for example ecr-login; TIDEMARK_CREDENTIAL_HELPERS must list it"
        />
      );
    case 'ECR':
      return (
        <Group grow align="flex-start">
          <TextField
            {...props}
            field="region"
            label="Region"
            description="Empty: that of the registry's host"
          />
          <TextField {...props} field="roleArn" label="Role to assume" description="An ARN; empty: none" />
        </Group>
      );
    case 'GOOGLE':
      return <GoogleFields {...props} />;
    case 'AZURE':
      return (
        <TextField
          {...props}
          field="clientId"
          label="Managed identity"
          description="Its client id; empty: the machine's own identity"
        />
      );
  }
}

interface TextFieldProps extends Props {
  readonly field: 'configFile' | 'helper' | 'region' | 'roleArn' | 'clientId';
  readonly label: string;
  readonly description: string;
}

function TextField({ field, label, description, values, set, at }: TextFieldProps) {
  return (
    <TextInput
      label={label}
      description={description}
      value={values[field] ?? ''}
      onChange={(event) => set({ [field]: event.currentTarget.value || null })}
      error={at(field)}
    />
  );
}

function StaticFields({ values, hasSecret, set, at }: Props) {
  return (
    <Group grow align="flex-start">
      <TextInput
        label="User name"
        required
        autoComplete="off"
        value={values.username ?? ''}
        onChange={(event) => set({ username: event.currentTarget.value || null })}
        error={at('username')}
      />
      <PasswordInput
        label="Password or token"
        required={!hasSecret}
        autoComplete="new-password"
        placeholder={hasSecret ? 'Stored; type to replace it' : ''}
        value={values.password ?? ''}
        onChange={(event) => set({ password: event.currentTarget.value || undefined })}
        error={at('password')}
      />
    </Group>
  );
}

function GoogleFields({ values, hasSecret, set, at }: Props) {
  return (
    <Textarea
      label="Key of a service account"
      description="The JSON file; empty: the server's application default credentials"
      autosize
      minRows={3}
      maxRows={8}
      placeholder={hasSecret ? 'Stored; paste another one to replace it' : ''}
      value={values.serviceAccountKey ?? ''}
      onChange={(event) => set({ serviceAccountKey: event.currentTarget.value || undefined })}
      error={at('serviceAccountKey')}
    />
  );
}
