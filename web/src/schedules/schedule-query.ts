import { graphql } from '../graphql/graphql.ts';

export const ScheduleQuery = graphql(`
  query Schedule($id: ID!, $known: Boolean!) {
    schedule(id: $id) @include(if: $known) {
      id
      cron
      intervalSeconds
      timeZone
      jitterSeconds
      mirror
      note
      repository {
        id
        name
      }
    }
    repositories(first: 100) {
      nodes {
        id
        name
        remote {
          id
        }
      }
    }
  }
`);
