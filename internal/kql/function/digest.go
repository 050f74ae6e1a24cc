package function

import (
	"encoding/json"
	"fmt"
	"math"
	"sort"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// digestFuncs keep intermediate results of dcount and percentile. Kusto keeps sketches of them, whose form it does not
// promise; these are exact: an hll is the array of the distinct values, a tdigest is [[7], values in order, weights].
// https://learn.microsoft.com/kusto/query/hll-aggregation-function
var digestFuncs = []Func{
	{Name: "hll", Signatures: []string{"countable, long!? -> dynamic"}, Build: buildHLL, Aggregate: true, Naming: NamePrefix, Doc: "hll-aggregation-function"},
	{Name: "hll_if", Signatures: []string{"countable, bool, long!? -> dynamic"}, Build: buildHLL, Aggregate: true, Naming: NamePrefix, Doc: "hll-if-aggregation-function"},
	{Name: "dcount_hll", Signatures: []string{"array -> long"}, Go: goCountHLL, Naming: NameFunction, Doc: "dcount-hll-function"},
	{Name: "tdigest", Signatures: []string{"summable, integer? -> dynamic", "datetime, integer? -> dynamic"}, Build: buildDigest, Aggregate: true, Naming: NamePrefix, Doc: "tdigest-aggregation-function"},
	{Name: "percentile_tdigest", Signatures: []string{"array, float -> dynamic"}, Go: goDigestPercentile, Typed: 3, Naming: NameFunction, Doc: "percentile-tdigest-function"},
	{Name: "percentiles_array_tdigest", Signatures: []string{"array, array -> dynamic", "array, float+ -> dynamic"}, Go: goDigestPercentiles, Typed: 3, One: "percentile_tdigest", Naming: NamePrefix, Prefix: "percentile_tdigest", Doc: "percentile-array-tdigest-function"},
	{Name: "rank_tdigest", Signatures: []string{"array, value -> real"}, Go: goDigestRank(false), Doc: "rank-tdigest-function"},
	{Name: "percentrank_tdigest", Signatures: []string{"array, value -> real"}, Go: goDigestRank(true), Doc: "percentrank-tdigest-function"},
}

// mergeFuncs merge digests: aggregates in summarize, functions of several digests elsewhere.
var mergeFuncs = []Func{
	{Name: "hll_merge", Signatures: []string{"array -> dynamic"}, Build: buildMerge("merge_hlls"), Aggregate: true, Scalar: "hll_merge_of", Naming: NamePrefix, Doc: "hll-merge-aggregation-function"},
	{Name: "tdigest_merge merge_tdigest", Signatures: []string{"array -> dynamic"}, Build: buildMerge("merge_digests"), Aggregate: true, Scalar: "tdigest_merge_of", Naming: NamePrefix, Prefix: "merge_tdigests", Doc: "tdigest-merge-aggregation-function"},
}

// digestSteps are the parts of the digests that SQL cannot do; merge_hlls and merge_digests take an array of digests.
var digestSteps = []Func{
	{Name: "make_digest", Signatures: []string{"dynamic, dynamic -> dynamic"}, Go: goMakeDigest, NullIn: true, Doc: "tdigest-aggregation-function"},
	{Name: "merge_hlls", Signatures: []string{"dynamic -> dynamic"}, Go: goMergeHLLs, Doc: "hll-merge-aggregation-function"},
	{Name: "hll_merge_of", Signatures: []string{"array, array+ -> dynamic"}, Build: buildMergeOf("merge_hlls"), Naming: NameOnly, Prefix: "hll_merged_result", Doc: "hll-merge-function"},
	{Name: "tdigest_merge_of", Signatures: []string{"array, array+ -> dynamic"}, Build: buildMergeOf("merge_digests"), Naming: NameOnly, Prefix: "tdigests_merge_result", Doc: "merge-tdigest-function"},
	{Name: "merge_digests", Signatures: []string{"dynamic -> dynamic"}, Go: goMergeDigests, Doc: "tdigest-merge-aggregation-function"},
}

// buildHLL collects the distinct values; without any there is no hll, as the page of summarize shows.
func buildHLL(c Call) (string, error) {
	filter := c.Args[0].SQL + " IS NOT NULL"
	if len(c.Args) > 1 && c.Args[1].Type == schema.Bool {
		filter += " AND " + c.Args[1].SQL
	}
	return fmt.Sprintf("CAST(to_json(list_transform(list_sort(list(DISTINCT %s) FILTER (WHERE %s)), e -> %s)) AS VARCHAR)", c.Args[0].SQL, filter, jsonOf("e", c.Args[0].Type)), nil
}

// buildDigest collects the values in order, with their weights.
func buildDigest(c Call) (string, error) {
	x, weight := c.Args[0].SQL, "1"
	if len(c.Args) == 2 {
		weight = c.Args[1].SQL
	}
	list := func(sql string) string {
		return fmt.Sprintf("CAST(to_json(list(%s ORDER BY %s, %s) FILTER (WHERE %s IS NOT NULL AND %s > 0)) AS VARCHAR)", sql, x, weight, x, weight)
	}
	return "kql_go_make_digest_0(" + list(jsonOf(x, c.Args[0].Type)) + ", " + list(weight) + ")", nil
}

func buildMerge(step string) func(Call) (string, error) {
	return func(c Call) (string, error) {
		d := c.Args[0].SQL
		return fmt.Sprintf("kql_go_%s_0(CAST(to_json(list(CAST(%s AS JSON) ORDER BY %s) FILTER (WHERE %s IS NOT NULL)) AS VARCHAR))", step, d, d, d), nil
	}
}

func buildMergeOf(step string) func(Call) (string, error) {
	return func(c Call) (string, error) {
		all, err := buildPackArray(c)
		return "kql_go_" + step + "_0(" + all + ")", err
	}
}

func goCountHLL(args []schema.Value) (schema.Value, error) {
	list, ok := elements(args[0])
	if !ok {
		return nil, nil
	}
	return int64(len(list)), nil
}

func goMergeHLLs(args []schema.Value) (schema.Value, error) {
	lists, _ := elements(args[0])
	sets := make([][]json.RawMessage, len(lists))
	for i, e := range lists {
		sets[i], _ = elements(e)
	}
	all := unionOf(sets)
	sort.Slice(all, func(i, j int) bool { return canonical(all[i]) < canonical(all[j]) })
	return array(all), nil
}

// digest is a multiset of values in order.
type digest struct {
	values  []json.RawMessage
	weights []int64
}

func (d *digest) add(value json.RawMessage, weight int64) {
	if n := len(d.values); n > 0 && canonical(d.values[n-1]) == canonical(value) {
		d.weights[n-1] += weight
		return
	}
	d.values, d.weights = append(d.values, value), append(d.weights, weight)
}

func (d *digest) total() (sum int64) {
	for _, w := range d.weights {
		sum += w
	}
	return sum
}

func (d *digest) json() schema.Value {
	weights := make([]json.RawMessage, len(d.weights))
	for i, w := range d.weights {
		weights[i] = schema.AppendJSON(nil, schema.Long, w)
	}
	values, _ := array(d.values).(json.RawMessage)
	counts, _ := array(weights).(json.RawMessage)
	return array([]json.RawMessage{json.RawMessage("[7]"), values, counts})
}

func readDigest(v schema.Value) (digest, bool) {
	parts, ok := elements(v)
	if !ok || len(parts) != 3 {
		return digest{}, false
	}
	d := digest{}
	d.values, ok = elements(parts[1])
	if !ok || json.Unmarshal(parts[2], &d.weights) != nil || len(d.weights) != len(d.values) {
		return digest{}, false
	}
	return d, true
}

func goMakeDigest(args []schema.Value) (schema.Value, error) {
	values, ok := elements(args[0])
	if !ok {
		return nil, nil
	}
	list, _ := elements(args[1])
	d := digest{}
	for i, v := range values {
		var weight int64
		if err := json.Unmarshal(list[i], &weight); err != nil {
			return nil, err
		}
		d.add(v, weight)
	}
	return d.json(), nil
}

func goMergeDigests(args []schema.Value) (schema.Value, error) {
	list, _ := elements(args[0])
	all := digest{}
	for _, e := range list {
		if d, ok := readDigest(e); ok {
			all.values, all.weights = append(all.values, d.values...), append(all.weights, d.weights...)
		}
	}
	order := make([]int, len(all.values))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(i, j int) bool { return before(all.values[order[i]], all.values[order[j]]) })
	out := digest{}
	for _, i := range order {
		out.add(all.values[i], all.weights[i])
	}
	return out.json(), nil
}

// before orders values of one type: numbers, datetimes and timespans.
func before(a, b json.RawMessage) bool {
	s, t := text(a), text(b)
	if x, ok := schema.ParseTimespan(s); ok && s != string(a) {
		if y, ok := schema.ParseTimespan(t); ok {
			return x < y
		}
	}
	return less(string(a), string(b))
}

// text is an element as text: a string without its quotes.
func text(e json.RawMessage) string {
	var s string
	if json.Unmarshal(e, &s) == nil {
		return s
	}
	return canonical(e)
}

// at is the nearest-rank percentile.
// https://learn.microsoft.com/kusto/query/percentiles-aggregation-function#nearest-rank-percentile
func (d *digest) at(percent float64) json.RawMessage {
	rank := int64(math.Ceil(percent / 100 * float64(d.total())))
	sum := int64(0)
	for i, w := range d.weights {
		if sum += w; sum >= rank {
			return d.values[i]
		}
	}
	return json.RawMessage("null")
}

func goDigestPercentile(args []schema.Value) (schema.Value, error) {
	d, ok := readDigest(args[0])
	if !ok || len(d.values) == 0 {
		return nil, nil
	}
	return d.at(args[1].(float64)), nil
}

func goDigestPercentiles(args []schema.Value) (schema.Value, error) {
	d, ok := readDigest(args[0])
	if !ok {
		return nil, nil
	}
	var percents []float64
	for _, a := range args[1:] {
		if x, ok := a.(float64); ok {
			percents = append(percents, x)
		} else if percents, ok = vector(a); !ok {
			return nil, nil
		}
	}
	out := make([]json.RawMessage, len(percents))
	for i, p := range percents {
		out[i] = d.at(p)
	}
	return array(out), nil
}

// goDigestRank counts the values that are not greater.
func goDigestRank(percent bool) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		d, ok := readDigest(args[0])
		value, isValue := args[1].(json.RawMessage)
		if !ok || !isValue || len(d.values) == 0 {
			return nil, nil
		}
		rank := int64(0)
		for i, v := range d.values {
			if !before(value, v) {
				rank += d.weights[i]
			}
		}
		if percent {
			return 100 * float64(rank) / float64(d.total()), nil
		}
		return float64(rank), nil
	}
}
