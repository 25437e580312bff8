import { ecr, ecrPublic } from './amazon.ts';
import { dockerHub } from './docker-hub.ts';
import { ghcr } from './github.ts';
import { gitlab } from './gitlab.ts';
import { artifactRegistry, gcr, kubernetes } from './google.ts';
import { harbor, oldHarbor } from './harbor.ts';
import { acr, mcr } from './microsoft.ts';
import type { RegistryProfile } from './profile.ts';
import { quay } from './quay.ts';
import { artifactory, nexus } from './repository-managers.ts';
import { distribution2, distribution3, gitea, tidemark, zot } from './self-hosted.ts';

/** The registries of the matrix, cut so that each test file has one stack for some of them. */
export const hostedRegistries: readonly RegistryProfile[] = [dockerHub, ghcr, quay, gitlab];
export const cloudRegistries: readonly RegistryProfile[] = [
  ecr,
  ecrPublic,
  artifactRegistry,
  gcr,
  kubernetes,
  acr,
  mcr,
];
export const installedRegistries: readonly RegistryProfile[] = [
  harbor,
  oldHarbor,
  artifactory,
  nexus,
  gitea,
  distribution2,
  distribution3,
  zot,
  tidemark,
];
export const allRegistries = [...hostedRegistries, ...cloudRegistries, ...installedRegistries];
