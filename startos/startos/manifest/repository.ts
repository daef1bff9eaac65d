/** Of no repository: the build puts the one of GITEA_URL and GITEA_REPOSITORY in its place (repository.mjs). */
export const REPOSITORY = "https://git.example.com/owner/spark-control";
