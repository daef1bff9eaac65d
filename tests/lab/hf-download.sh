#!/usr/bin/env bash
# Stand-in of hf-download.sh: the same words and steps, with files of zeros instead of Hugging Face, and tar over SSH
# instead of rsync. ~/hf-download.conf may set MIB (size), STEP_SECONDS (a twentieth) and FREE_MIB (what the disk takes).
set -e
HUB_PATH="${HF_HOME:-$HOME/.cache/huggingface}/hub"
MIB=20 STEP_SECONDS=0.1 FREE_MIB=999999
if [ -f ~/hf-download.conf ]; then . ~/hf-download.conf; fi
COPY_HOSTS=() SSH_USER="$USER" MODEL_NAME=""
while [[ "$#" -gt 0 ]]; do
  case $1 in
    -c)
      shift
      while [[ "$#" -gt 0 && "$1" != -* ]]; do
        IFS=',' read -ra PARTS <<<"$1"
        COPY_HOSTS+=("${PARTS[@]}")
        shift
      done
      continue
      ;;
    -u) SSH_USER="$2"; shift ;;
    *) MODEL_NAME="$1" ;;
  esac
  shift
done
MODEL_DIR="$HUB_PATH/models--${MODEL_NAME%%/*}--${MODEL_NAME##*/}"
mkdir -p "$MODEL_DIR/blobs"
echo "Downloading model '$MODEL_NAME' using uvx..."
for ((part = 1; part <= 20; part++)); do
  [ -f "$MODEL_DIR/blobs/$part" ] && continue
  sleep "$STEP_SECONDS"
  used=$(du -sm "$MODEL_DIR" | cut -f1)
  if ((used + MIB / 20 > FREE_MIB)); then
    echo "OSError: [Errno 28] No space left on device" >&2
    echo "Error: Failed to download model '$MODEL_NAME'."
    exit 1
  fi
  head -c $((MIB * 1024 * 1024 / 20)) /dev/zero >"$MODEL_DIR/blobs/$part.incomplete"
  mv "$MODEL_DIR/blobs/$part.incomplete" "$MODEL_DIR/blobs/$part"
  printf '\rFetching 20 files: %d%%' $((part * 5)) >&2
done
echo >&2
echo "Download completed in 00:00:02"
echo "Model directory: $MODEL_DIR"
if [ "${#COPY_HOSTS[@]}" -gt 0 ]; then
  echo ""
  echo "Copying model to ${#COPY_HOSTS[@]} host(s): ${COPY_HOSTS[*]}"
  for host in "${COPY_HOSTS[@]}"; do
    echo "Copying model '$MODEL_NAME' to ${SSH_USER}@${host}..."
    if tar -C "$HUB_PATH" -cf - "${MODEL_DIR##*/}" |
      ssh -o ConnectTimeout=5 "${SSH_USER}@${host}" "mkdir -p ~/.cache/huggingface/hub && tar -C ~/.cache/huggingface/hub -xf -"; then
      echo "Copy to $host completed in 00:00:01"
    else
      echo "Copy to $host failed."
      exit 1
    fi
  done
  echo "Copy complete."
else
  echo "No host specified, skipping copy."
fi
