/** Descriptions that the credential and its inputs share. */
export const credentialText = {
  hosts:
    'Hosts that the credential may be sent to, in lower case: registry.example.com, registry.example.com:5000, *.example.com. Null: every ' +
    "host for STATIC; the hosts that the file or the helper knows for DOCKER_CONFIG and HELPER; the cloud's registries for ECR, GOOGLE and " +
    'AZURE.',
  username: 'STATIC: the user name, without a colon (RFC 7617). Null for other kinds.',
  configFile: 'DOCKER_CONFIG: the path of the file in TIDEMARK_DOCKER_CONFIG_DIR; null: config.json.',
  helper:
    'HELPER: the name of the program without docker-credential-, e.g. ecr-login. TIDEMARK_CREDENTIAL_HELPERS must list it.',
  region: 'ECR: the region of AWS; null: that of the host name of the registry, else of the environment.',
  roleArn: 'ECR: the ARN of a role to assume; null: none.',
  clientId: 'AZURE: the client id of a managed identity that is assigned to the machine; null: its own one.',
} as const;

/** For inputs that name a credential. */
export const credentialIdOption = {
  nullable: true,
  description:
    'The credential to log in with, in place of username and password; null: none. The caller needs the role maintainer for it.',
} as const;
