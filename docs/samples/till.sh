#!/bin/sh
# A cash desk with curl and openssl 3:
#   sh till.sh check CODE                    sh till.sh accept CHECK_TOKEN KEY [UNITS]
#   sh till.sh direct CODE KEY [UNITS]       sh till.sh void ACCEPTANCE KEY REASON
#   sh till.sh earn PHONE AMOUNT_FEN KEY     sh till.sh unearn EARNING KEY REASON
#   sh till.sh outcome KEY
# KEY is the Idempotency-Key: fresh for each deed, the same when its answer was lost.
set -eu
BASE=${BASE:-http://127.0.0.1:8080}
TERMINAL=${TERMINAL:-trm_YOURS}
CLERK=${CLERK:-01}
KEY_FILE=${KEY_FILE:-till.pem}

call() { # METHOD TARGET BODY [further words for curl]
  method=$1 target=$2 body=$3
  shift 3
  now=$(date +%s) counters="${KEY_FILE%.pem}.counter"
  last=$(cat "$counters" 2>/dev/null || echo 0)
  counter=$((now * 1000000))
  [ "$counter" -gt "$last" ] || counter=$((last + 1))
  echo "$counter" >"$counters"
  nonce="$counter.$(openssl rand -hex 16)"
  hash=$(printf %s "$body" | openssl dgst -sha256 -r | cut -d ' ' -f 1)
  text=$(mktemp)
  printf '%s\n%s\n%s\n%s\n%s\n%s' "$method" "$target" "$hash" "$now" "$nonce" "$TERMINAL" >"$text"
  signature=$(openssl pkeyutl -sign -rawin -inkey "$KEY_FILE" -in "$text" | openssl base64 -A | tr '+/' '-_' | tr -d '=')
  rm -f "$text"
  [ "$method" = GET ] || set -- "$@" --data "$body" -H "Content-Type: application/json"
  curl -sS -X "$method" "$BASE$target" -H "Accept-Language: en" -H "Jifen-Terminal: $TERMINAL" \
    -H "Jifen-Timestamp: $now" -H "Jifen-Nonce: $nonce" -H "Jifen-Signature: $signature" "$@"
  echo
}

units() { [ $# -eq 0 ] || printf ', "units": %d' "$1"; }

deed=${1:?check, accept, direct, void, earn, unearn or outcome}
shift
case $deed in
check) call POST /v1/vouchers/check "{\"code\": \"$1\", \"clerk\": \"$CLERK\"}" ;;
accept | direct)
  [ "$deed" = accept ] && name=check_token || name=code
  what=$1 key=$2
  shift 2
  call POST /v1/vouchers/accept "{\"$name\": \"$what\", \"clerk\": \"$CLERK\"$(units "$@")}" -H "Idempotency-Key: $key"
  ;;
void) call POST "/v1/acceptances/$1/void" "{\"reason\": \"$3\", \"clerk\": \"$CLERK\"}" -H "Idempotency-Key: $2" ;;
earn) call POST /v1/earnings "{\"phone\": \"$1\", \"amount_fen\": $2, \"clerk\": \"$CLERK\"}" -H "Idempotency-Key: $3" ;;
unearn) call POST "/v1/earnings/$1/reverse" "{\"reason\": \"$3\", \"clerk\": \"$CLERK\"}" -H "Idempotency-Key: $2" ;;
outcome) call GET /v1/acceptances/outcome "" -H "Idempotency-Key: $1" ;;
*) echo "check, accept, direct, void, earn, unearn or outcome" >&2 && exit 2 ;;
esac
