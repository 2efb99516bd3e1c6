/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/dispatch.h"

#include "native/native_admission.h"
#include "peer/peer_handler.h"
#include "s3/s3_admission.h"

#include "base/banned.h"

/* Whose request is it?  (Virtual-hosted requests are S3's whatever their path.) */
enum dialect { DIALECT_S3, DIALECT_NATIVE, DIALECT_IAM };

static enum dialect
dialect_of(const struct dispatch *dispatch, const struct http_exchange *exchange)
{
    const struct http_request *request = http_exchange_request(exchange);

    return s3_accepts(dispatch->s3, request) ? DIALECT_S3
           : native_accepts(request)         ? DIALECT_NATIVE
           : iam_accepts(request)            ? DIALECT_IAM
                                             : DIALECT_S3;
}

/* What operators do with keys of users is control. */
ON_LOOP static enum load_class
classify(struct http_exchange *exchange, void *arg)
{
    const struct dispatch *dispatch = arg;
    enum dialect dialect = dialect_of(dispatch, exchange);

    return dialect == DIALECT_S3       ? s3_classify(exchange, dispatch->s3)
           : dialect == DIALECT_NATIVE ? native_classify(exchange, dispatch->native)
                                       : LOAD_CONTROL;
}

ON_LOOP static void
refuse(struct http_exchange *exchange, unsigned retry_after_s, const char *sentence, void *arg)
{
    const struct dispatch *dispatch = arg;

    if (dialect_of(dispatch, exchange) == DIALECT_NATIVE) {
        native_refuse(exchange, retry_after_s, sentence, dispatch->native);
    } else {
        s3_refuse(exchange, retry_after_s, sentence, dispatch->s3);
    }
}

ON_LOOP static void
handle_admitted(struct http_exchange *exchange, void *arg)
{
    const struct dispatch *dispatch = arg;
    enum dialect dialect = dialect_of(dispatch, exchange);
    bool is_native = dialect == DIALECT_NATIVE;

    if (membership_answers(dispatch->membership, exchange, !is_native)) {
        return;
    }
    if (peer_is_claimed(http_exchange_request(exchange))) {
        membership_refuse_peer(exchange, !is_native);
        return;
    }
    switch (dialect) {
    case DIALECT_NATIVE:
        native_handle(exchange, dispatch->native);
        return;
    case DIALECT_IAM:
        iam_handle(exchange, dispatch->iam);
        return;
    case DIALECT_S3:
        s3_handle(exchange, dispatch->s3);
        return;
    }
}

static void
admit(struct http_exchange *exchange, void (*handler)(struct http_exchange *exchange, void *arg),
      void *arg)
{
    http_exchange_admit(
        exchange, &(struct http_admission){
                      .classify = classify, .handler = handler, .refuse = refuse, .arg = arg});
}

/* The public listener. */
void
dispatch_public(struct http_exchange *exchange, void *arg)
{
    admit(exchange, handle_admitted, arg);
}

/* What another node passed on: who may do it was decided there. */
ON_LOOP static void
handle_relayed_admitted(struct http_exchange *exchange, void *arg)
{
    const struct dispatch *dispatch = arg;

    if (dialect_of(dispatch, exchange) == DIALECT_NATIVE) {
        native_handle(exchange, dispatch->native);
    } else {
        s3_handle(exchange, dispatch->s3);
    }
}

/* But this node has its own load. */
void
dispatch_relayed(struct http_exchange *exchange, void *arg)
{
    admit(exchange, handle_relayed_admitted, arg);
}
