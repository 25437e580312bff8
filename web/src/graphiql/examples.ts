/** Operations that GraphiQL offers when it is first opened. */
export const examples = [
  {
    query: `# Which mirrors are there, and are they fresh?
query Mirrors {
  repositories(first: 20) {
    totalCount
    nodes {
      name
      lastSyncedAt
      lastSyncError { code message }
      latestVersion { number contentSummary { present { tags manifests blobs } } }
    }
  }
}
`,
  },
  {
    query: `# When did a tag move, and by which task?
query TagHistory($repository: String!, $tag: String!) {
  repository(name: $repository) {
    tagHistory(name: $tag, first: 20) {
      nodes { outcome oldDigest newDigest version { number createdAt task { id workflowId } } }
    }
  }
}
`,
    variables: '{ "repository": "mirror/nginx", "tag": "latest" }',
  },
  {
    query: `# Start a sync. Follow its task with the subscription in the next tab.
mutation Sync($repositoryId: ID!) {
  repositorySync(input: { repositoryId: $repositoryId, mirror: true }) {
    task { id state }
    userErrors { code field message }
  }
}
`,
    variables: '{ "repositoryId": "" }',
  },
  {
    query: `# The progress of a task until it ends.
subscription Progress($id: ID!) {
  taskProgress(id: $id) {
    state
    progress { stage tagsDone tagsTotal bytesDone bytesTotal }
    createdVersion { number }
  }
}
`,
    variables: '{ "id": "" }',
  },
];
