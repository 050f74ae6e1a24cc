package function

import (
	"encoding/json"
	"math"

	"github.com/golang/geo/s1"
	"github.com/golang/geo/s2"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// shapeFuncs measure and change lines and polygons on the sphere. A geometry that is not valid gives null.
// https://learn.microsoft.com/kusto/query/geospatial-grid-systems
var shapeFuncs = []Func{
	{Name: "geo_polygon_area", Signatures: []string{"array -> real"}, Go: onRegion(regionArea), Doc: "geo-polygon-area-function"},
	{Name: "geo_polygon_perimeter", Signatures: []string{"array -> real"}, Go: onRegion(regionPerimeter), Doc: "geo-polygon-perimeter-function"},
	{Name: "geo_polygon_centroid", Signatures: []string{"array -> dynamic"}, Go: onRegion(regionCentroid), Doc: "geo-polygon-centroid-function"},
	{Name: "geo_polygon_densify", Signatures: []string{"array, real?, bool? -> dynamic"}, Undocumented: []string{"array, number, number"}, Go: goPolygonDensify, Doc: "geo-polygon-densify-function"},
	{Name: "geo_line_densify", Signatures: []string{"array, real?, bool? -> dynamic"}, Undocumented: []string{"array, number, number"}, Go: goLineDensify, Doc: "geo-line-densify-function"},
	{Name: "geo_line_centroid", Signatures: []string{"array -> dynamic"}, Go: goLineCentroid, Doc: "geo-line-centroid-function"},
	{Name: "geo_line_interpolate_point", Signatures: []string{"array, real -> dynamic"}, Go: goLineInterpolate, Doc: "geo-line-interpolate-point-function"},
	{Name: "geo_line_locate_point", Signatures: []string{"array, real, real, bool? -> real"}, Undocumented: []string{"array, number, number, number"}, Go: goLineLocate, Doc: "geo-line-locate-point-function"},
	{Name: "geo_closest_point_on_line", Signatures: []string{"real, real, array -> dynamic"}, Go: geo(1, goClosestOnLine), Doc: "geo-closest-point-on-line-function"},
	{Name: "geo_closest_point_on_polygon", Signatures: []string{"real, real, array -> dynamic"}, Go: geo(1, goClosestOnPolygon), Doc: "geo-closest-point-on-polygon-function"},
	{Name: "geo_polygon_to_s2cells", Signatures: []string{"array, long?, real? -> dynamic"}, Undocumented: []string{"array, number, number?"}, Go: goPolygonCells, Doc: "geo-polygon-to-s2cells-function"},
	{Name: "geo_line_to_s2cells", Signatures: []string{"array, long?, real? -> dynamic"}, Undocumented: []string{"array, number, number?"}, Go: goLineCells, Doc: "geo-line-to-s2cells-function"},
	{Name: "geo_point_buffer", Signatures: []string{"real, real, real, real? -> dynamic"}, Go: geo(1, goPointBuffer), Doc: "geo-point-buffer-function"},
	{Name: "geo_s2cell_to_polygon", Signatures: []string{"text -> dynamic"}, Go: goS2CellPolygon, Doc: "geo-s2cell-to-polygon-function"},
}

// coordinates are the longitude and latitude of a point.
func coordinates(p s2.Point) [2]float64 {
	at := s2.LatLngFromPoint(p)
	return [2]float64{at.Lng.Degrees(), at.Lat.Degrees()}
}

func chain(points []s2.Point) [][2]float64 {
	out := make([][2]float64, len(points))
	for i, p := range points {
		out[i] = coordinates(p)
	}
	return out
}

// shape renders a GeoJSON geometry.
func shape(kind string, coordinates any) json.RawMessage {
	text, err := json.Marshal(struct {
		Type        string `json:"type"`
		Coordinates any    `json:"coordinates"`
	}{kind, coordinates})
	if err != nil {
		return json.RawMessage("null")
	}
	return text
}

// collect renders no, one or several geometries: one stands for itself.
func collect(list []json.RawMessage) json.RawMessage {
	if len(list) == 1 {
		return list[0]
	}
	out := texts("type", "GeometryCollection")
	out.set("geometries", mustArray(list), true)
	text, _ := out.json().(json.RawMessage)
	return text
}

// onRegion reads the union of the polygons of a Polygon or MultiPolygon.
func onRegion(f func(region) schema.Value) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		list, ok := polygons(args[0])
		if !ok {
			return nil, nil
		}
		whole, err := unite(list)
		if err != nil {
			return nil, err
		}
		return f(whole), nil
	}
}

// loops are the rings with the smaller side inside, and which of them are holes.
func (r region) loops() (loops []*s2.Loop, holes []bool) {
	for _, ring := range r {
		loop := s2.LoopFromPoints(ring.corners)
		hole := !loop.IsNormalized()
		loop.Normalize()
		loops, holes = append(loops, loop), append(holes, hole)
	}
	return loops, holes
}

func regionArea(r region) schema.Value {
	sum := 0.0
	loops, holes := r.loops()
	for i, l := range loops {
		if holes[i] {
			sum -= l.Area()
		} else {
			sum += l.Area()
		}
	}
	return sum * earthRadius * earthRadius
}

func regionPerimeter(r region) schema.Value {
	sum := s1.Angle(0)
	for _, e := range r.edges() {
		sum += e.from.Distance(e.to)
	}
	return metres(sum)
}

func regionCentroid(r region) schema.Value {
	sum := s2.Point{}
	loops, holes := r.loops()
	for i, l := range loops {
		if holes[i] {
			sum.Vector = sum.Sub(l.Centroid().Vector)
		} else {
			sum.Vector = sum.Add(l.Centroid().Vector)
		}
	}
	return shape("Point", coordinates(s2.Point{Vector: sum.Normalize()}))
}

// goLineCentroid weighs each edge once, also one that several lines share.
func goLineCentroid(args []schema.Value) (schema.Value, error) {
	list, ok := lines(args[0])
	if !ok {
		return nil, nil
	}
	seen := map[[2]s2.Point]bool{}
	sum := s2.Point{}
	for _, line := range list {
		for i := 1; i < len(line); i++ {
			a, b := line[i-1], line[i]
			if seen[[2]s2.Point{a, b}] || seen[[2]s2.Point{b, a}] {
				continue
			}
			seen[[2]s2.Point{a, b}] = true
			sum.Vector = sum.Add(s2.EdgeTrueCentroid(a, b).Vector)
		}
	}
	return shape("Point", coordinates(s2.Point{Vector: sum.Normalize()})), nil
}

// single reads a geometry that holds one line.
func single(v schema.Value) (*s2.Polyline, bool) {
	list, ok := lines(v)
	if !ok || len(list) != 1 {
		return nil, false
	}
	line := s2.Polyline(list[0])
	return &line, true
}

func goLineInterpolate(args []schema.Value) (schema.Value, error) {
	line, ok := single(args[0])
	fraction := args[1].(float64)
	if !ok || !(fraction >= 0 && fraction <= 1) {
		return nil, nil
	}
	p, _ := line.Interpolate(fraction)
	return shape("Point", coordinates(p)), nil
}

func goLineLocate(args []schema.Value) (schema.Value, error) {
	line, ok := single(args[0])
	at, valid := latLng(args[1].(float64), args[2].(float64))
	if !ok || !valid {
		return nil, nil
	}
	if len(args) > 3 && args[3] == true {
		return nil, Refused("geo_line_locate_point on a spheroid")
	}
	p, next := line.Project(s2.PointFromLatLng(at))
	return line.Uninterpolate(p, next), nil
}

// closest is the point of the edges that is nearest to x.
func closest(x s2.Point, line []s2.Point, best s2.Point, least s1.Angle) (s2.Point, s1.Angle) {
	for i := 1; i < len(line); i++ {
		if d := s2.DistanceFromSegment(x, line[i-1], line[i]); d < least {
			best, least = s2.Project(x, line[i-1], line[i]), d
		}
	}
	return best, least
}

func goClosestOnLine(p []s2.LatLng, rest []schema.Value) (schema.Value, error) {
	list, ok := lines(rest[0])
	if !ok {
		return nil, nil
	}
	best, least := s2.Point{}, s1.InfAngle()
	for _, line := range list {
		best, least = closest(s2.PointFromLatLng(p[0]), line, best, least)
	}
	return shape("Point", coordinates(best)), nil
}

// goClosestOnPolygon is the point itself where the polygon contains it.
func goClosestOnPolygon(p []s2.LatLng, rest []schema.Value) (schema.Value, error) {
	list, ok := polygons(rest[0])
	if !ok {
		return nil, nil
	}
	x := s2.PointFromLatLng(p[0])
	best, least := s2.Point{}, s1.InfAngle()
	for _, one := range list {
		if one.contains(x) {
			return pointJSON(p[0].Lng.Degrees(), p[0].Lat.Degrees()), nil
		}
		for _, ring := range one.rings {
			corners := ring.Vertices()
			best, least = closest(x, append(append([]s2.Point(nil), corners...), corners[0]), best, least)
		}
	}
	return shape("Point", coordinates(best)), nil
}

// The tolerances of the densify functions in metres.
const (
	leastTolerance, greatestTolerance = 0.1, 10000.0
	defaultTolerance                  = 10.0
)

// densifier adds points to edges that are straight on a map, so that geodesics follow them.
func densifier(args []schema.Value) (func(corners [][2]float64) [][2]float64, bool, error) {
	tolerance := defaultTolerance
	if len(args) > 1 {
		tolerance, _ = args[1].(float64)
	}
	if len(args) > 2 && args[2] == true {
		return nil, false, Refused("densifying with preserve_crossing")
	}
	if !(tolerance >= leastTolerance && tolerance <= greatestTolerance) {
		return nil, false, nil
	}
	return func(corners [][2]float64) [][2]float64 {
		out := corners[:1:1]
		for i := 1; i < len(corners); i++ {
			out = append(halve(out, corners[i-1], corners[i], tolerance), corners[i])
		}
		return out
	}, true, nil
}

// halve adds the points between a and b at which an edge that is straight on a map is further from the geodesic than
// the tolerance.
func halve(out [][2]float64, a, b [2]float64, tolerance float64) [][2]float64 {
	middle := [2]float64{(a[0] + b[0]) / 2, (a[1] + b[1]) / 2}
	point := func(c [2]float64) s2.Point { return s2.PointFromLatLng(s2.LatLngFromDegrees(c[1], c[0])) }
	if metres(s2.DistanceFromSegment(point(middle), point(a), point(b))) <= tolerance {
		return out
	}
	return halve(append(halve(out, a, middle, tolerance), middle), middle, b, tolerance)
}

func goLineDensify(args []schema.Value) (schema.Value, error) {
	densify, ok, err := densifier(args)
	if !ok || err != nil {
		return nil, err
	}
	if _, ok := lines(args[0]); !ok {
		return nil, nil
	}
	return reshape(args[0], densify), nil
}

func goPolygonDensify(args []schema.Value) (schema.Value, error) {
	densify, ok, err := densifier(args)
	if !ok || err != nil {
		return nil, err
	}
	if _, ok := polygons(args[0]); !ok {
		return nil, nil
	}
	return reshape(args[0], densify), nil
}

// reshape changes each chain of coordinates of a geometry that has been checked.
func reshape(v schema.Value, change func([][2]float64) [][2]float64) schema.Value {
	raw, _ := v.(json.RawMessage)
	var g geometry
	if json.Unmarshal(raw, &g) != nil {
		return nil
	}
	var walk func(raw json.RawMessage) any
	walk = func(raw json.RawMessage) any {
		var corners [][2]float64
		if json.Unmarshal(raw, &corners) == nil {
			return change(corners)
		}
		var parts []json.RawMessage
		_ = json.Unmarshal(raw, &parts) // the geometry has been read as a valid one before
		out := make([]any, len(parts))
		for i, p := range parts {
			out[i] = walk(p)
		}
		return out
	}
	return shape(g.Type, walk(g.Coordinates))
}

// goS2CellPolygon lists the corners of a cell from the upper left one.
func goS2CellPolygon(args []schema.Value) (schema.Value, error) {
	id := s2.CellIDFromToken(args[0].(string))
	if !id.IsValid() {
		return nil, nil
	}
	cell := s2.CellFromCellID(id)
	ring := make([][2]float64, 0, 5)
	west, start := math.Inf(1), 0
	for i := range 4 {
		if c := coordinates(cell.Vertex(i)); c[0]-c[1] < west {
			west, start = c[0]-c[1], i
		}
	}
	for i := range 5 {
		ring = append(ring, coordinates(cell.Vertex((start+i)%4)))
	}
	return shape("Polygon", [][][2]float64{ring}), nil
}

// maxCells is the number of cells that a covering may have, and cellLevel its level where none is given.
const maxCells, cellLevel = 65536, 11

// coverable is a line or polygon.
type coverable interface {
	s2.Region
	s2.Shape
}

// buffered are the points within a distance of a geometry.
type buffered struct {
	s2.Region
	query    *s2.EdgeQuery
	distance s1.Angle
}

func buffer(g coverable, distance s1.Angle) s2.Region {
	index := s2.NewShapeIndex()
	index.Add(g)
	return buffered{g, s2.NewClosestEdgeQuery(index, s2.NewClosestEdgeQueryOptions().IncludeInteriors(true)), distance}
}

// CapBound is a circle around all.
func (b buffered) CapBound() s2.Cap { return b.Region.CapBound().Expanded(b.distance) }

// RectBound is a rectangle around all.
func (b buffered) RectBound() s2.Rect { return b.CapBound().RectBound() }

// CellUnionBound are some cells around all.
func (b buffered) CellUnionBound() []s2.CellID { return b.CapBound().CellUnionBound() }

// ContainsCell is false: a covering of one level needs to know only what lies outside.
func (b buffered) ContainsCell(s2.Cell) bool { return false }

// ContainsPoint reports whether a point is near enough.
func (b buffered) ContainsPoint(p s2.Point) bool {
	return b.query.IsConservativeDistanceLessOrEqual(s2.NewMinDistanceToPointTarget(p), s1.ChordAngleFromAngle(b.distance))
}

// IntersectsCell reports whether a point of a cell is near enough.
func (b buffered) IntersectsCell(c s2.Cell) bool {
	return b.query.IsConservativeDistanceLessOrEqual(s2.NewMinDistanceToCellTarget(c), s1.ChordAngleFromAngle(b.distance))
}

// cells covers regions with the cells of one level. The area, in steradians, and the length of the borders, in radians,
// tell about how many there will be.
func cells(args []schema.Value, shapes []coverable, area, length float64) (schema.Value, error) {
	at := integerOf(args, 1, cellLevel)
	if at < 0 || at > 30 {
		return nil, nil
	}
	size := area/s2.AvgAreaMetric.Value(int(at)) + length/s2.AvgEdgeMetric.Value(int(at))
	radius := 0.0
	if len(args) > 2 {
		if radius, _ = args[2].(float64); !(radius >= 0) {
			return nil, nil
		}
		radius /= earthRadius
		size += (2*radius*length + math.Pi*radius*radius) / s2.AvgAreaMetric.Value(int(at))
	}
	if size > maxCells*2 { // far beyond the limit: do not begin
		return nil, nil
	}
	coverer := s2.RegionCoverer{MinLevel: int(at), MaxLevel: int(at), MaxCells: maxCells + 1}
	var all s2.CellUnion
	for _, s := range shapes {
		region := s2.Region(s)
		if radius > 0 {
			region = buffer(s, s1.Angle(radius))
		}
		found := coverer.Covering(region)
		found.Denormalize(int(at), 1)
		if all = append(all, found...); len(all) > maxCells {
			return nil, nil
		}
	}
	seen := map[s2.CellID]bool{}
	var out []json.RawMessage
	for _, id := range all {
		if !seen[id] {
			seen[id] = true
			out = append(out, schema.AppendJSON(nil, schema.String, id.ToToken()))
		}
	}
	return array(out), nil
}

func goPolygonCells(args []schema.Value) (schema.Value, error) {
	list, ok := polygons(args[0])
	if !ok {
		return nil, nil
	}
	var regions []coverable
	area, length := 0.0, 0.0
	for _, p := range list {
		var loops []*s2.Loop
		for _, r := range regionOf(p) {
			loops = append(loops, s2.LoopFromPoints(r.corners))
		}
		whole := s2.PolygonFromOrientedLoops(loops)
		regions, area = append(regions, whole), area+whole.Area()
		for _, e := range regionOf(p).edges() {
			length += float64(e.from.Distance(e.to))
		}
	}
	return cells(args, regions, area, length)
}

func goLineCells(args []schema.Value) (schema.Value, error) {
	list, ok := lines(args[0])
	if !ok {
		return nil, nil
	}
	var regions []coverable
	length := 0.0
	for _, l := range list {
		line := s2.Polyline(l)
		regions, length = append(regions, &line), length+float64(line.Length())
	}
	return cells(args, regions, 0, length)
}

// goPointBuffer is a regular polygon of the radius around a point, of as few corners as keep its sides within the
// tolerance. It begins in the direction of s2.Ortho, as the answers of Kusto's emulator do.
func goPointBuffer(p []s2.LatLng, rest []schema.Value) (schema.Value, error) {
	radius, _ := rest[0].(float64)
	tolerance := 10.0
	if len(rest) > 1 {
		tolerance, _ = rest[1].(float64)
	}
	angle, nearest := radius/earthRadius, (radius-tolerance)/earthRadius
	switch {
	case !(radius > 0) || !(tolerance > 0) || math.IsInf(radius, 0):
		return nil, nil
	case tolerance < radius*1e-6 || tolerance >= radius || angle >= math.Pi/2:
		return nil, Refused("geo_point_buffer() with a tolerance that is not within 0.0001% and 100% of the radius, or a radius of a quarter of the Earth")
	}
	corners := math.Max(3, math.Ceil(math.Pi/math.Acos(math.Tan(nearest)/math.Tan(angle))))
	centre := s2.PointFromLatLng(p[0])
	north := s2.Ortho(centre)
	west := centre.Cross(north.Vector)
	ring := make([]s2.Point, 0, int(corners)+1)
	for i := range int(corners) {
		sin, cos := math.Sincos(2 * math.Pi * float64(i) / corners)
		side := north.Mul(cos).Add(west.Mul(sin))
		ring = append(ring, s2.Point{Vector: centre.Mul(math.Cos(angle)).Add(side.Mul(math.Sin(angle))).Normalize()})
	}
	return shape("Polygon", [][][2]float64{chain(append(ring, ring[0]))}), nil
}
