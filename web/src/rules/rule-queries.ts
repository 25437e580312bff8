import { graphql } from '../graphql/graphql.ts';
import { RemoteSettings } from '../remotes/remote-queries.ts';

/** The settings that the form changes: those of the remotes, and the rule's own. */
export const RuleSettings = graphql(
  `
    fragment RuleSettings on MirrorRule @_unmask {
      url
      discovery
      repositories
      includeRepositories
      excludeRepositories
      stripPrefix
      targetPrefix
      repositoriesAtMost
      mirror
      cron
      intervalSeconds
      timeZone
      paused
      ...RemoteSettings
    }
  `,
  [RemoteSettings],
);

/** All that the form shows. */
export const RuleFormQuery = graphql(
  `
    query RuleForm($id: ID!, $known: Boolean!) {
      mirrorRule(id: $id) @include(if: $known) {
        id
        name
        ...RuleSettings
      }
      credentials(first: 100) {
        nodes {
          id
          name
        }
      }
      signaturePolicies(first: 100) {
        nodes {
          id
          name
        }
      }
    }
  `,
  [RuleSettings],
);

export const CreateRule = graphql(`
  mutation CreateMirrorRule($input: MirrorRuleCreateInput!) {
    mirrorRuleCreate(input: $input) {
      mirrorRule {
        id
        name
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

export const UpdateRule = graphql(`
  mutation UpdateMirrorRule($input: MirrorRuleUpdateInput!) {
    mirrorRuleUpdate(input: $input) {
      mirrorRule {
        id
        name
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);

export const DeleteRule = graphql(`
  mutation DeleteMirrorRule($input: MirrorRuleDeleteInput!) {
    mirrorRuleDelete(input: $input) {
      deletedId
      userErrors {
        code
        field
        message
      }
    }
  }
`);

export const RunRule = graphql(`
  mutation RunMirrorRule($input: MirrorRuleRunInput!) {
    mirrorRuleRun(input: $input) {
      task {
        id
      }
      userErrors {
        code
        field
        message
      }
    }
  }
`);
