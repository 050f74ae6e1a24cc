package function

import (
	"errors"
	"math"

	"github.com/golang/geo/s2"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// refusedFuncs need what is not at hand offline. They refuse a row, not the query: over a table without rows, as a table
// that was not exported is, there is nothing to refuse.
var refusedFuncs = []Func{
	{Name: "ingestion_time", Signatures: []string{"-> datetime"}, Refuses: "an export does not say when a row was ingested", Naming: NameOnly, Prefix: "$IngestionTime", Doc: "ingestion-time-function"},
	{Name: "geo_info_from_ip_address", Signatures: []string{"text -> dynamic"}, Refuses: "give a database of addresses (--geo GeoLite2-City.mmdb)", Places: true, NullIn: true, Doc: "geo-info-from-ip-address-function"},
	{Name: "geo_line_simplify", Signatures: []string{"array, real? -> dynamic"}, Refuses: simplifies, Go: simplify(outlineOfLine, 0, 7.8e6), Doc: "geo-line-simplify-function"},
	{Name: "geo_polygon_simplify", Signatures: []string{"array, real? -> dynamic"}, Refuses: simplifies, Go: simplify(outlineOfPolygon, leastTolerance, greatestTolerance), Doc: "geo-polygon-simplify-function"},
	{Name: "geo_simplify_polygons_array", Signatures: []string{"array, real? -> dynamic"}, Refuses: simplifies, Go: simplify(outlineOfPolygons, 0, 7.8e6), Doc: "geo-simplify-polygons-array-function"},
	{Name: "geo_line_buffer", Signatures: []string{"array, real, real? -> dynamic"}, Refuses: "which points Kusto makes is not documented", Go: invalidOnly(isLine, 1, leastRadius, math.Inf(1)), Doc: "geo-line-buffer-function"},
	{Name: "geo_polygon_buffer", Signatures: []string{"array, real, real? -> dynamic"}, Refuses: "which points Kusto makes is not documented", Go: invalidOnly(isPolygon, 1, leastRadius, math.Inf(1)), Doc: "geo-polygon-buffer-function"},
}

const simplifies = "which points Kusto keeps is not documented"

// simplify answers null for what is not valid, and for what vanishes: of points of which no two are further apart than
// the tolerance one stays. It refuses the rest.
func simplify(read func(schema.Value) ([]s2.Point, bool), least, greatest float64) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		tolerance := 10.0
		if len(args) > 1 {
			tolerance, _ = args[1].(float64)
		}
		points, ok := read(args[0])
		if !ok || !(tolerance >= least && tolerance <= greatest) || within(points, tolerance) {
			return nil, nil
		}
		return nil, errValid
	}
}

// within reports whether no two points are further apart than some metres. It compares pairs of few points only.
func within(points []s2.Point, most float64) bool {
	for i, p := range points {
		for _, q := range points[:i] {
			if i > mostPairs || metres(p.Distance(q)) > most {
				return false
			}
		}
	}
	return true
}

const mostPairs = 2000

func outlineOfLine(v schema.Value) (out []s2.Point, ok bool) {
	list, ok := lines(v)
	for _, line := range list {
		out = append(out, line...)
	}
	return out, ok
}

func outlineOfPolygon(v schema.Value) (out []s2.Point, ok bool) {
	list, ok := polygons(v)
	for _, p := range list {
		for _, ring := range p.rings {
			out = append(out, ring.Vertices()...)
		}
	}
	return out, ok
}

// outlineOfPolygons reads an array of polygons.
func outlineOfPolygons(v schema.Value) (out []s2.Point, ok bool) {
	list, ok := elements(v)
	for _, e := range list {
		points, valid := outlineOfPolygon(e)
		out, ok = append(out, points...), ok && valid
	}
	return out, ok
}

// leastRadius is more than nothing: a buffer of no radius, or a negative one, is none.
const leastRadius = math.SmallestNonzeroFloat64

func isLine(args []schema.Value) bool {
	_, ok := lines(args[0])
	return ok
}

func isPolygon(args []schema.Value) bool {
	_, ok := polygons(args[0])
	return ok
}

// invalidOnly answers null for what is not valid, a geometry or a number that is out of its range, and refuses the rest.
func invalidOnly(valid func([]schema.Value) bool, number int, least, greatest float64) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		if len(args) > number {
			if x, _ := args[number].(float64); !(x >= least && x <= greatest) {
				return nil, nil
			}
		}
		if !valid(args) {
			return nil, nil
		}
		return nil, errValid
	}
}

var errValid = errors.New("the arguments are valid")

// refusing is the Go function of a function that refuses: inner, if there is one, answers for what is not valid.
func refusing(f *Func, inner func([]schema.Value) (schema.Value, error)) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		if inner != nil {
			if out, err := inner(args); !errors.Is(err, errValid) {
				return out, err
			}
		}
		return nil, Refused(f.Name + "(): " + f.Refuses)
	}
}
