/** Swagger UI from its own package, served by ourselves: nothing is loaded from elsewhere. */
import { fileURLToPath } from "node:url";

const PACKAGE = new URL(".", import.meta.resolve("swagger-ui-dist/package.json"));

export const SWAGGER_PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Spark Control API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/swagger/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<noscript>The description of this API is at <a href="/openapi.json">/openapi.json</a>.</noscript>
<script src="/swagger/swagger-ui-bundle.js" defer></script>
<script src="/swagger/init.js" defer></script>
</body>
</html>
`;

const INIT = `SwaggerUIBundle({ url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null });
`;

const FILES: Readonly<Record<string, () => { body: Blob | string; type: string }>> = {
  "init.js": () => ({ body: INIT, type: "text/javascript; charset=utf-8" }),
  "swagger-ui.css": () => ({ body: packaged("swagger-ui.css"), type: "text/css; charset=utf-8" }),
  "swagger-ui-bundle.js": () => ({ body: packaged("swagger-ui-bundle.js"), type: "text/javascript; charset=utf-8" }),
};

const packaged = (name: string) => Bun.file(fileURLToPath(new URL(name, PACKAGE)));

/** @returns null for any name but those the page loads */
export function swaggerFile(name: string): Response | null {
  const file = Object.hasOwn(FILES, name) ? FILES[name]?.() : undefined;
  if (!file) return null;
  return new Response(file.body, { headers: { "content-type": file.type, "cache-control": "no-cache" } });
}
