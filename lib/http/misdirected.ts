/** What someone sees who opens Spark Control under a name that is not allowed. Static: it repeats nothing of the request. */

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Spark Control: this name is not allowed</title>
</head>
<body>
<h1>Spark Control does not answer under this name</h1>
<p>Open me by IP address. To allow this name, add it to <code>allowed_hosts</code> in <code>topology.yaml</code>
(section <code>settings</code>) or to the variable <code>ALLOWED_HOSTS</code>.</p>
<p>A name of your own network (one word, or ending in .local) works as well. Other names are refused so that a
web page from elsewhere cannot pass itself off as this one.</p>
</body>
</html>
`;

/** 421 Misdirected Request. */
export const misdirected = (): Response =>
  new Response(PAGE, {
    status: 421,
    headers: { "content-type": "text/html; charset=utf-8", "cache-control": "no-store" },
  });
