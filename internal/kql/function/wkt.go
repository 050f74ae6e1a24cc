package function

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// wktFuncs read geometries from text.
// https://learn.microsoft.com/kusto/query/geo-from-wkt-function
var wktFuncs = []Func{{Name: "geo_from_wkt", Signatures: []string{"text -> dynamic"}, Go: goFromWKT, Doc: "geo-from-wkt-function"}}

// wktShapes are the kinds of geometry: the name in GeoJSON, and how deep its lists of points are nested.
var wktShapes = map[string]struct {
	name  string
	depth int
}{
	"POINT": {"Point", 0}, "LINESTRING": {"LineString", 1}, "POLYGON": {"Polygon", 2},
	"MULTIPOINT": {"MultiPoint", 1}, "MULTILINESTRING": {"MultiLineString", 2}, "MULTIPOLYGON": {"MultiPolygon", 3},
}

// wkt reads well-known text from left to right.
type wkt struct{ rest string }

func goFromWKT(args []schema.Value) (schema.Value, error) {
	w := &wkt{strings.TrimSpace(args[0].(string))}
	out, ok := w.geometry(0)
	if !ok || strings.TrimSpace(w.rest) != "" {
		return nil, nil
	}
	return out, nil
}

// take consumes a character, if it comes next.
func (w *wkt) take(c byte) bool {
	w.rest = strings.TrimLeft(w.rest, " \t\r\n")
	if w.rest == "" || w.rest[0] != c {
		return false
	}
	w.rest = w.rest[1:]
	return true
}

func (w *wkt) word() string {
	w.rest = strings.TrimLeft(w.rest, " \t\r\n")
	end := strings.IndexAny(w.rest, " \t\r\n(")
	if end < 0 {
		end = len(w.rest)
	}
	word := w.rest[:end]
	w.rest = w.rest[end:]
	return strings.ToUpper(word)
}

func (w *wkt) geometry(depth int) (json.RawMessage, bool) {
	word := w.word()
	if word == "GEOMETRYCOLLECTION" {
		list, ok := w.list(func() (json.RawMessage, bool) {
			if depth > maxNesting {
				return nil, false
			}
			return w.geometry(depth + 1)
		})
		out := texts("type", "GeometryCollection")
		out.set("geometries", list, true)
		text, _ := out.json().(json.RawMessage)
		return text, ok
	}
	kind, known := wktShapes[word]
	if !known {
		return nil, false
	}
	var coordinates json.RawMessage
	var ok bool
	if kind.depth == 0 {
		ok = w.take('(')
		if ok {
			coordinates, ok = w.point()
		}
		ok = ok && w.take(')')
	} else {
		coordinates, ok = w.points(kind.depth, word == "MULTIPOINT")
	}
	return shape(kind.name, coordinates), ok
}

// points reads lists of points, as deep as they are nested; a point of a MULTIPOINT may stand in brackets.
func (w *wkt) points(depth int, bracketed bool) (json.RawMessage, bool) {
	return w.list(func() (json.RawMessage, bool) {
		if depth > 1 {
			return w.points(depth-1, false)
		}
		if bracketed && w.take('(') {
			p, ok := w.point()
			return p, ok && w.take(')')
		}
		return w.point()
	})
}

func (w *wkt) list(item func() (json.RawMessage, bool)) (json.RawMessage, bool) {
	if !w.take('(') {
		return nil, false
	}
	var out []json.RawMessage
	for {
		e, ok := item()
		if !ok {
			return nil, false
		}
		out = append(out, e)
		if w.take(')') {
			return mustArray(out), true
		}
		if !w.take(',') {
			return nil, false
		}
	}
}

func (w *wkt) point() (json.RawMessage, bool) {
	var numbers []json.RawMessage
	for {
		w.rest = strings.TrimLeft(w.rest, " \t\r\n")
		end := strings.IndexAny(w.rest, " \t\r\n,)")
		if end <= 0 {
			break
		}
		x, err := strconv.ParseFloat(w.rest[:end], 64)
		if err != nil {
			return nil, false
		}
		numbers, w.rest = append(numbers, numberJSON(x)), w.rest[end:]
	}
	return mustArray(numbers), len(numbers) >= 2
}
