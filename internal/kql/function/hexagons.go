package function

import (
	"encoding/json"
	"strconv"

	"github.com/golang/geo/s2"
	"github.com/uber/h3-go/v4"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// hexagonFuncs are the cells of H3. A cell is its token; one that is none gives null, or "" where a token is asked for.
// https://learn.microsoft.com/kusto/query/geospatial-grid-systems
var hexagonFuncs = []Func{
	{Name: "geo_point_to_h3cell", Signatures: []string{"real, real, long? -> string"}, Undocumented: []string{"number, number, number"}, Go: geo(1, goToH3), Doc: "geo-point-to-h3cell-function"},
	{Name: "geo_h3cell_level", Signatures: []string{"text -> int"}, Go: onHexagon(nil, func(c h3.Cell, _ []schema.Value) (schema.Value, error) { return int64(c.Resolution()), nil }), Doc: "geo-h3cell-level-function"},
	{Name: "geo_h3cell_parent", Signatures: []string{"text, long? -> string"}, Undocumented: []string{"text, number"}, Go: onHexagon("", goHexagonParent), Doc: "geo-h3cell-parent-function"},
	{Name: "geo_h3cell_children", Signatures: []string{"text, long? -> dynamic"}, Undocumented: []string{"text, number"}, Go: onHexagon(nil, goHexagonChildren), Doc: "geo-h3cell-children-function"},
	{Name: "geo_h3cell_rings", Signatures: []string{"text, long -> dynamic"}, Undocumented: []string{"text, number"}, Go: onHexagon(nil, goHexagonRings), Doc: "geo-h3cell-rings-function"},
	{Name: "geo_h3cell_neighbors", Signatures: []string{"text -> dynamic"}, Go: onHexagon(nil, goHexagonNeighbors), Doc: "geo-h3cell-neighbors-function"},
	{Name: "geo_h3cell_to_central_point", Signatures: []string{"text -> dynamic"}, Go: onHexagon(nil, goHexagonPoint), Doc: "geo-h3cell-to-central-point-function"},
	{Name: "geo_h3cell_to_polygon", Signatures: []string{"text -> dynamic"}, Go: onHexagon(nil, goHexagonPolygon), Doc: "geo-h3cell-to-polygon-function"},
	{Name: "geo_polygon_to_h3cells", Signatures: []string{"array, long?, real? -> dynamic"}, Undocumented: []string{"array, number, number?"}, Go: goPolygonHexagons, Doc: "geo-polygon-to-h3cells-function"},
}

// finestHexagon is the greatest resolution of H3, hexagonLevel the one where none is given. Children may be
// deepestChild levels below their cell, rings lie at most farthestRing steps away.
const finestHexagon, hexagonLevel, deepestChild, farthestRing = 15, 6, 5, 142

// onHexagon reads the first argument as a cell; what is none gives the value none.
func onHexagon(none schema.Value, f func(c h3.Cell, rest []schema.Value) (schema.Value, error)) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		id, err := strconv.ParseUint(args[0].(string), 16, 64)
		if c := h3.Cell(id); err == nil && c.IsValid() {
			return f(c, args[1:])
		}
		return none, nil
	}
}

func goToH3(p []s2.LatLng, rest []schema.Value) (schema.Value, error) {
	n := level(rest, hexagonLevel)
	if n < 0 || n > finestHexagon {
		return "", nil
	}
	return h3.NewLatLng(p[0].Lat.Degrees(), p[0].Lng.Degrees()).Cell(int(n)).String(), nil
}

func goHexagonParent(c h3.Cell, rest []schema.Value) (schema.Value, error) {
	n := level(rest, int64(c.Resolution())-1)
	if n < 0 || n > int64(c.Resolution()) {
		return "", nil
	}
	return c.Parent(int(n)).String(), nil
}

func goHexagonChildren(c h3.Cell, rest []schema.Value) (schema.Value, error) {
	n := level(rest, int64(c.Resolution())+1)
	if n < int64(c.Resolution()) || n > finestHexagon || n > int64(c.Resolution())+deepestChild {
		return nil, nil
	}
	return tokens(c.Children(int(n))), nil
}

func goHexagonRings(c h3.Cell, rest []schema.Value) (schema.Value, error) {
	k := rest[0].(int64)
	if k < 0 || k > farthestRing {
		return nil, nil
	}
	var rings []json.RawMessage
	for _, ring := range c.GridDiskDistances(int(k)) {
		rings = append(rings, tokens(ring))
	}
	return array(rings), nil
}

func goHexagonNeighbors(c h3.Cell, _ []schema.Value) (schema.Value, error) {
	return tokens(c.GridDiskDistances(1)[1]), nil
}

func goHexagonPoint(c h3.Cell, _ []schema.Value) (schema.Value, error) {
	at := c.LatLng()
	return pointJSON(at.Lng, at.Lat), nil
}

func goHexagonPolygon(c h3.Cell, _ []schema.Value) (schema.Value, error) {
	var ring [][2]float64
	for _, corner := range c.Boundary() {
		ring = append(ring, [2]float64{corner.Lng, corner.Lat})
	}
	return shape("Polygon", [][][2]float64{append(ring, ring[0])}), nil
}

// goPolygonHexagons lists the cells whose centre lies inside.
func goPolygonHexagons(args []schema.Value) (schema.Value, error) {
	list, ok := polygons(args[0])
	n := integerOf(args, 1, hexagonLevel)
	if !ok || n < 0 || n > finestHexagon {
		return nil, nil
	}
	if len(args) > 2 && args[2] != 0.0 {
		return nil, Refused("a covering with a radius")
	}
	seen := map[h3.Cell]bool{}
	var all []h3.Cell
	for _, p := range list {
		outline := make([]h3.GeoLoop, len(p.rings))
		for i, ring := range p.rings {
			for _, corner := range ring.Vertices() {
				at := coordinates(corner)
				outline[i] = append(outline[i], h3.NewLatLng(at[1], at[0]))
			}
		}
		// Far beyond the limit: do not begin. The library makes room for all of the rectangle around.
		switch most := h3.HexagonAreaAvgM2(int(n)) * maxCells; {
		case metres2(p.rings[0].Area()) > 2*most:
			return nil, nil
		case metres2(p.rings[0].RectBound().Area()) > 32*most:
			return nil, Refused("a covering of a polygon that is so long and thin")
		}
		for _, c := range h3.PolygonToCells(h3.GeoPolygon{GeoLoop: outline[0], Holes: outline[1:]}, int(n)) {
			if !seen[c] {
				seen[c] = true
				all = append(all, c)
			}
		}
	}
	if len(all) > maxCells {
		return nil, nil
	}
	return tokens(all), nil
}

// metres2 is the size on the ground of an area in steradians.
func metres2(area float64) float64 { return area * earthRadius * earthRadius }

// tokens is an array of the texts of cells.
func tokens[T interface{ String() string }](cells []T) json.RawMessage {
	out := make([]json.RawMessage, len(cells))
	for i, c := range cells {
		out[i] = schema.AppendJSON(nil, schema.String, c.String())
	}
	return mustArray(out)
}
