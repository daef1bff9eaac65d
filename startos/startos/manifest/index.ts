import { setupManifest } from "@start9labs/start-sdk";
import { long, short } from "./i18n";
import { REPOSITORY } from "./repository";

export const manifest = setupManifest({
  // biome-ignore format: the Makefile of the SDK reads it from this line, between single quotes
  id: 'spark-control',
  title: "Spark Control",
  license: "MIT",
  packageRepo: REPOSITORY,
  upstreamRepo: REPOSITORY,
  marketingUrl: REPOSITORY,
  donationUrl: null,
  description: { short, long },
  volumes: ["main"],
  images: {
    main: {
      source: {
        dockerBuild: {
          workdir: "..",
          dockerfile: "../Dockerfile",
          // Of the environment: the Makefile says which commit it is, whoever publishes by digests which bases. Without, the Dockerfile's own.
          buildArgs: {
            REVISION: { env: "REVISION" },
            BUILD_IMAGE: { env: "BUILD_IMAGE" },
            RUNTIME_IMAGE: { env: "RUNTIME_IMAGE" },
          },
        },
      },
      arch: ["x86_64", "aarch64"],
    },
  },
  dependencies: {},
});
