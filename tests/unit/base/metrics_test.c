/* SPDX-License-Identifier: Apache-2.0 */
#include "base/metrics.h"

#include <stdio.h>

#include "tests/unit/test.h"

#include "base/banned.h"

static void
expect_text(struct buffer *out, const char *text)
{
    EXPECT(bytes_equal_string(buffer_bytes(out), text));
    buffer_release(out);
}

/* SPEC: Prometheus text format 0.0.4: HELP and TYPE once for a name, then one line a sample. */
TEST(metric_is_explained_once_and_shows_its_value)
{
    struct metric metric = {.kind = METRIC_COUNTER,
                            .name = "lode_test_things_total",
                            .help = "Things.",
                            .labels = "kind=\"a\""};
    struct buffer out = BUFFER_INIT;

    metric_add(&metric, 41);
    metric_add(&metric, 1);
    metric_append(&out, &metric, true);
    metric_append(&out, &metric, false);

    expect_text(&out, "# HELP lode_test_things_total Things.\n"
                      "# TYPE lode_test_things_total counter\n"
                      "lode_test_things_total{kind=\"a\"} 42\n"
                      "lode_test_things_total{kind=\"a\"} 42\n");
}

/* SPEC: buckets of a histogram are cumulative, the last is +Inf and equals the count. */
TEST(histogram_counts_cumulatively_in_seconds)
{
    struct metric metric = {
        .kind = METRIC_HISTOGRAM, .name = "lode_test_seconds", .help = "Times."};
    struct buffer out = BUFFER_INIT;
    struct bytes text;

    metric_observe_ns(&metric, INT64_C(60000));
    metric_observe_ns(&metric, INT64_C(3000000));
    metric_observe_ns(&metric, INT64_C(20000000000));
    metric_append(&out, &metric, true);
    text = buffer_bytes(&out);

    EXPECT(bytes_find(text, 0, BYTES_LITERAL("_bucket{le=\"5e-05\"} 0\n")) != SIZE_MAX);
    EXPECT(bytes_find(text, 0, BYTES_LITERAL("_bucket{le=\"0.0001\"} 1\n")) != SIZE_MAX);
    EXPECT(bytes_find(text, 0, BYTES_LITERAL("_bucket{le=\"0.005\"} 2\n")) != SIZE_MAX);
    EXPECT(bytes_find(text, 0, BYTES_LITERAL("_bucket{le=\"10\"} 2\n")) != SIZE_MAX);
    EXPECT(bytes_find(text, 0, BYTES_LITERAL("_bucket{le=\"+Inf\"} 3\n")) != SIZE_MAX);
    EXPECT(bytes_find(text, 0, BYTES_LITERAL("_sum{} 20.003060000\n")) != SIZE_MAX);
    EXPECT(bytes_find(text, 0, BYTES_LITERAL("_count{} 3\n")) != SIZE_MAX);
    buffer_release(&out);
}

/* SPEC: in a label's value backslash, quote and line feed are escaped. */
TEST(label_of_a_file_name_cannot_end_the_label)
{
    struct buffer labels = BUFFER_INIT;

    metric_append_label(&labels, "mountpath", BYTES_LITERAL("/a\"b\\c\nd"));
    metric_append_label(&labels, "kind", BYTES_LITERAL("pack"));

    expect_text(&labels, "mountpath=\"/a\\\"b\\\\c\\nd\",kind=\"pack\"");
}
