import { Type } from "@sinclair/typebox";
import { Elysia } from "elysia";
import type { ControlPlane } from "../../lib/control-plane.ts";
import { nobodyReads } from "../../lib/gateway/unanswered.ts";
import { openAiErrors } from "../../lib/http/schemas.ts";
import { askerOf } from "./_proxied.ts";

const MOST_DOCUMENTS = 2048;

const Body = Type.Object(
  {
    query: Type.String({ minLength: 1 }),
    documents: Type.Array(Type.String(), { minItems: 1, maxItems: MOST_DOCUMENTS }),
    top_n: Type.Optional(Type.Integer({ minimum: 1 })),
    return_documents: Type.Optional(Type.Boolean()),
    model: Type.Optional(Type.String()),
  },
  { additionalProperties: true, title: "RerankQuestion" },
);

const Result = Type.Object({
  index: Type.Integer({ description: "Place of the document in the question" }),
  relevance_score: Type.Number({ description: "As the reranker gives it: a logit" }),
  document: Type.Optional(Type.Object({ text: Type.String() })),
});
const Answer = Type.Object(
  {
    object: Type.Literal("rerank.result"),
    model: Type.String(),
    results: Type.Array(Result, { description: "Best first" }),
  },
  { title: "RerankAnswer" },
);

/** Documents by their relevance to a query, in one shape for TEI, Infinity and vLLM. */
export default ({ gateway, config }: Pick<ControlPlane, "gateway" | "config">) =>
  new Elysia().post(
    "",
    async ({ body, request, server }) => {
      const { query, documents, top_n, return_documents, model } = body;
      const question = { query, documents, topN: top_n, returnDocuments: return_documents, model };
      const answer = await gateway.rerank(question, request.signal, askerOf(request, server, config));
      // Of no shape that anybody would be told of.
      if (answer === null) return nobodyReads() as never;
      const { object, results, ...rest } = answer;
      return { object, ...rest, results: [...results] };
    },
    {
      body: Body,
      response: { 200: Answer, ...openAiErrors(404, 408, 413, 422, 502, 503, 504) },
      detail: { operationId: "rerank", summary: "Documents by their relevance to a query", tags: ["Gateway"] },
    },
  );
