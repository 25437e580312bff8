import { Field, InputType, ObjectType, registerEnumType } from 'type-graphql';
import type { ContainerClient } from '../../../client-config/client-configuration.ts';

export const ContainerClientEnum = {
  CONTAINERD: 'containerd',
  DOCKER: 'docker',
  PODMAN: 'podman',
  CRIO: 'crio',
  K3S: 'k3s',
  OPENSHIFT: 'openshift',
} as const satisfies Readonly<Record<string, ContainerClient>>;

registerEnumType(ContainerClientEnum, {
  name: 'ContainerClient',
  description: 'A client of registries that can be pointed at a mirror.',
  valuesConfig: {
    CONTAINERD: { description: 'containerd 1.5 and newer: a hosts.toml for each registry.' },
    DOCKER: { description: 'dockerd: its mirror of Docker Hub in daemon.json.' },
    PODMAN: { description: 'podman, skopeo and Buildah: a file in registries.conf.d.' },
    CRIO: { description: 'CRI-O: a file in registries.conf.d.' },
    K3S: { description: 'K3s and RKE2: registries.yaml.' },
    OPENSHIFT: { description: 'OpenShift 4.13 and newer: an ImageDigestMirrorSet and an ImageTagMirrorSet.' },
  },
});

@InputType('NamespaceMappingInput', {
  description: 'An upstream registry, and where this server has its repositories.',
})
export class NamespaceMappingInput {
  @Field(() => String, {
    description:
      'The registry as clients name it in images: `docker.io`, `quay.io`, `registry.example:5000`.',
  })
  namespace!: string;

  @Field(() => String, {
    description:
      'The base path of its repositories on this server: `quay` if `quay.io/org/app` is `quay/org/app` here.',
  })
  basePath!: string;
}

@ObjectType('ClientFile', { description: 'A file of a client.', simpleResolvers: true })
export class ClientFileType {
  @Field(() => String, {
    description: 'Where the client reads it; without a folder for files that are applied to a cluster.',
  })
  path!: string;

  @Field(() => String, { description: 'The whole content.' })
  content!: string;

  @Field(() => String, { nullable: true, description: 'What to know before it is written; null: nothing.' })
  note!: string | null;
}

@ObjectType('ClientConfiguration', {
  description: 'How a client is pointed at this server.',
  simpleResolvers: true,
})
export class ClientConfigurationType {
  @Field(() => [ClientFileType], { description: 'The files to write on each machine with the client.' })
  files!: readonly ClientFileType[];

  @Field(() => [String], {
    description:
      'The commands that put the files into effect, in order; empty if the client reads them at each pull.',
  })
  commands!: readonly string[];

  @Field(() => [String], { description: 'What else to know about this client.' })
  notes!: readonly string[];
}
