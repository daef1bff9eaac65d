/** Options of `vllm serve` (engine and front-end arguments of vLLM 0.11), for validation like argparse's. */

/** Options that take a value. */
export const VALUE_OPTIONS: ReadonlySet<string> = new Set(
  `--host --port --uds --uvicorn-log-level --api-key --lora-modules --chat-template --chat-template-content-format
  --response-role --ssl-keyfile --ssl-certfile --ssl-ca-certs --ssl-cert-reqs --root-path --middleware --tool-call-parser
  --tool-parser-plugin --tool-server --log-config-file --max-log-len --allowed-origins --allowed-methods --allowed-headers
  --model --runner --convert --task --tokenizer --tokenizer-mode --dtype --seed --hf-config-path --revision --code-revision
  --tokenizer-revision --max-model-len --quantization --max-seq-len-to-capture --max-logprobs --logprobs-mode
  --served-model-name --config-format --hf-token --hf-overrides --override-neuron-config --override-pooler-config
  --logits-processor-pattern --generation-config --override-generation-config --model-impl --override-attention-dtype
  --logits-processors --io-processor-plugin --load-format --download-dir --safetensors-load-strategy
  --model-loader-extra-config --ignore-patterns --pt-load-map-location --guided-decoding-backend --reasoning-parser
  --reasoning-parser-plugin --structured-outputs-config --distributed-executor-backend --pipeline-parallel-size
  --tensor-parallel-size --decode-context-parallel-size --data-parallel-size --data-parallel-rank
  --data-parallel-start-rank --data-parallel-size-local --data-parallel-address --data-parallel-rpc-port
  --data-parallel-backend --max-parallel-loading-workers --worker-cls --worker-extension-cls --block-size
  --gpu-memory-utilization --kv-cache-memory-bytes --swap-space --kv-cache-dtype --num-gpu-blocks-override
  --prefix-caching-hash-algo --cpu-offload-gb --mamba-cache-dtype --mamba-ssm-cache-dtype --mamba-block-size
  --limit-mm-per-prompt --media-io-kwargs --mm-processor-kwargs --mm-processor-cache-gb --mm-processor-cache-type
  --mm-encoder-tp-mode --mm-encoder-attn-backend --max-loras --max-lora-rank --lora-extra-vocab-size --lora-dtype
  --max-cpu-loras --default-mm-loras --show-hidden-metrics-for-version --otlp-traces-endpoint
  --collect-detailed-traces --max-num-batched-tokens --max-num-seqs --max-num-partial-prefills
  --max-long-partial-prefills --cuda-graph-sizes --long-prefill-token-threshold --num-lookahead-slots
  --scheduling-policy --scheduler-cls --speculative-config --kv-transfer-config --kv-events-config
  --compilation-config --additional-config --attention-backend --attention-config --nnodes --node-rank --master-addr
  --master-port --headless-port --config --api-server-count --h11-max-incomplete-event-size --h11-max-header-count
  --optimization-level --moe-backend --kernel-config --stream-interval --performance-mode`.split(/\s+/),
);

/** Switches; most also exist as `--no-…`. */
export const FLAG_OPTIONS: ReadonlySet<string> = new Set(
  `--headless --disable-uvicorn-access-log --allow-credentials --trust-remote-code --enforce-eager
  --disable-sliding-window --disable-cascade-attn --skip-tokenizer-init --enable-prompt-embeds --enable-sleep-mode
  --use-tqdm-on-load --enable-prefix-caching --calculate-kv-scales --enable-expert-parallel --enable-eplb
  --disable-custom-all-reduce --ray-workers-use-nsight --enable-lora --fully-sharded-loras --enable-auto-tool-choice
  --exclude-tools-when-tool-choice-auto --return-tokens-as-token-ids --enable-request-id-headers
  --disable-fastapi-docs --enable-prompt-tokens-details --enable-server-load-tracking --enable-force-include-usage
  --enable-tokenizer-info-endpoint --enable-log-outputs --enable-log-requests --disable-log-requests
  --disable-log-stats --log-error-stack --enable-chunked-prefill --disable-chunked-mm-input
  --disable-hybrid-kv-cache-manager --async-scheduling --interleave-mm-strings --skip-mm-profiling
  --disable-frontend-multiprocessing --enable-ssl-refresh --enable-dbo --language-model-only --data-parallel-hybrid-lb
  --data-parallel-external-lb --enable-return-routed-experts --disable-async-output-proc --trust-request-chat-template`.split(
    /\s+/,
  ),
);

/** Short forms and old spellings. */
export const SHORT_OPTIONS: Readonly<Record<string, string>> = {
  "-tp": "--tensor-parallel-size",
  "-pp": "--pipeline-parallel-size",
  "-dp": "--data-parallel-size",
  "-dcp": "--decode-context-parallel-size",
  "-n": "--nnodes",
  "-r": "--node-rank",
  "-q": "--quantization",
  "-O": "--optimization-level",
  "-asc": "--api-server-count",
};

/** Options whose value must be JSON. */
export const JSON_OPTIONS: ReadonlySet<string> = new Set(
  `--hf-overrides --override-generation-config --model-loader-extra-config --structured-outputs-config
  --limit-mm-per-prompt --media-io-kwargs --mm-processor-kwargs --default-mm-loras --speculative-config
  --kv-transfer-config --kv-events-config --compilation-config --additional-config --attention-config`.split(/\s+/),
);

/** Options whose value must be a whole number. */
export const INTEGER_OPTIONS: ReadonlySet<string> = new Set(
  `--port --tensor-parallel-size --pipeline-parallel-size --data-parallel-size --max-num-seqs --nnodes --node-rank
  --max-num-batched-tokens --block-size --seed --max-loras --max-lora-rank --api-server-count --master-port`.split(
    /\s+/,
  ),
);

/** Options that take several values up to the next option. */
export const LIST_OPTIONS: ReadonlySet<string> = new Set(
  `--served-model-name --lora-modules --middleware --cuda-graph-sizes --ignore-patterns --collect-detailed-traces
  --allowed-origins --allowed-methods --allowed-headers --logits-processors`.split(/\s+/),
);
