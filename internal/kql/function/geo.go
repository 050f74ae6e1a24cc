package function

import (
	"encoding/json"
	"math"
	"slices"
	"strings"

	"github.com/golang/geo/s1"
	"github.com/golang/geo/s2"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// geoFuncs are what travel needs: distances, circles, polygons, cells. Kusto computes on a sphere with S2, so does
// this. Coordinates that are none give null.
// https://learn.microsoft.com/kusto/query/geospatial-grid-systems
var geoFuncs = []Func{
	{Name: "geo_distance_2points", Signatures: []string{"real, real, real, real, bool? -> real"}, Undocumented: []string{"number, number, number, number, number"}, Go: geo(2, goDistance), Doc: "geo-distance-2points-function"},
	{Name: "geo_azimuth", Signatures: []string{"real, real, real, real -> real"}, Go: geo(2, goAzimuth), Doc: "geo-azimuth-function"},
	{Name: "geo_angle", Signatures: []string{"real, real, real, real, real, real -> real"}, Go: geo(3, goAngle), Doc: "geo-angle-function"},
	{Name: "geo_point_in_circle", Signatures: []string{"real, real, real, real, real -> bool"}, Go: geo(2, goInCircle), Doc: "geo-point-in-circle-function"},
	{Name: "geo_point_in_polygon", Signatures: []string{"real, real, array -> bool"}, Go: geo(1, goInPolygon), Doc: "geo-point-in-polygon-function"},
	{Name: "geo_distance_point_to_line", Signatures: []string{"real, real, array -> real"}, Go: geo(1, goToLine), Doc: "geo-distance-point-to-line-function"},
	{Name: "geo_distance_point_to_polygon", Signatures: []string{"real, real, array -> real"}, Go: geo(1, goToPolygon), Doc: "geo-distance-point-to-polygon-function"},
	{Name: "geo_line_length", Signatures: []string{"array -> real"}, Go: goLineLength, Doc: "geo-line-length-function"},
	{Name: "geo_point_to_geohash", Signatures: []string{"real, real, long? -> string"}, Undocumented: []string{"number, number, number"}, Go: geo(1, goToGeohash), Doc: "geo-point-to-geohash-function"},
	{Name: "geo_geohash_to_central_point", Signatures: []string{"text -> dynamic"}, Go: goGeohashPoint, Doc: "geo-geohash-to-central-point-function"},
	{Name: "geo_geohash_to_polygon", Signatures: []string{"text -> dynamic"}, Go: goGeohashPolygon, Doc: "geo-geohash-to-polygon-function"},
	{Name: "geo_geohash_neighbors", Signatures: []string{"text -> dynamic"}, Go: goGeohashNeighbors, Doc: "geo-geohash-neighbors-function"},
	{Name: "geo_point_to_s2cell", Signatures: []string{"real, real, long? -> string"}, Undocumented: []string{"number, number, number"}, Go: geo(1, goToS2Cell), Doc: "geo-point-to-s2cell-function"},
	{Name: "geo_s2cell_to_central_point", Signatures: []string{"text -> dynamic"}, Go: goS2CellPoint, Doc: "geo-s2cell-to-central-point-function"},
	{Name: "geo_s2cell_neighbors", Signatures: []string{"text -> dynamic"}, Go: goS2CellNeighbors, Doc: "geo-s2cell-neighbors-function"},
}

// earthRadius in metres is Kusto's: the documented distances divided by their angles.
const earthRadius = 6371010.0

func metres(a s1.Angle) float64 { return a.Radians() * earthRadius }

func latLng(lon, lat float64) (s2.LatLng, bool) {
	ok := math.Abs(lon) <= 180 && math.Abs(lat) <= 90 // false for NaN too
	return s2.LatLngFromDegrees(lat, lon), ok
}

// geo reads the first n pairs of arguments as points.
func geo(n int, f func(points []s2.LatLng, rest []schema.Value) (schema.Value, error)) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		points := make([]s2.LatLng, n)
		for i := range points {
			var ok bool
			if points[i], ok = latLng(args[2*i].(float64), args[2*i+1].(float64)); !ok {
				return nil, nil
			}
		}
		return f(points, args[2*n:])
	}
}

func goDistance(p []s2.LatLng, rest []schema.Value) (schema.Value, error) {
	if len(rest) > 0 && rest[0] == true {
		return nil, Refused("geo_distance_2points on a spheroid")
	}
	return metres(p[0].Distance(p[1])), nil
}

// azimuth is the angle at a from north to b, clockwise, in [0, 2pi).
func azimuth(a, b s2.LatLng) float64 {
	d := b.Lng.Radians() - a.Lng.Radians()
	la, lb := a.Lat.Radians(), b.Lat.Radians()
	return turn(math.Atan2(math.Sin(d)*math.Cos(lb), math.Cos(la)*math.Sin(lb)-math.Sin(la)*math.Cos(lb)*math.Cos(d)))
}

func turn(x float64) float64 {
	if x < 0 {
		return x + 2*math.Pi
	}
	return x
}

func goAzimuth(p []s2.LatLng, _ []schema.Value) (schema.Value, error) {
	if p[0] == p[1] {
		return nil, nil
	}
	return azimuth(p[0], p[1]), nil
}

func goAngle(p []s2.LatLng, _ []schema.Value) (schema.Value, error) {
	if p[0] == p[1] || p[1] == p[2] {
		return nil, nil
	}
	return turn(azimuth(p[1], p[2]) - azimuth(p[1], p[0])), nil
}

func goInCircle(p []s2.LatLng, rest []schema.Value) (schema.Value, error) {
	radius := rest[0].(float64)
	if !(radius >= 0) {
		return nil, nil
	}
	return metres(p[0].Distance(p[1])) <= radius, nil
}

// geometry is a GeoJSON geometry. https://www.rfc-editor.org/rfc/rfc7946#section-3.1
type geometry struct {
	Type        string          `json:"type"`
	Coordinates json.RawMessage `json:"coordinates"`
}

func points(list [][]float64) ([]s2.Point, bool) {
	out := make([]s2.Point, len(list))
	for i, c := range list {
		if len(c) < 2 {
			return nil, false
		}
		p, ok := latLng(c[0], c[1])
		if !ok {
			return nil, false
		}
		out[i] = s2.PointFromLatLng(p)
	}
	return out, true
}

// lines reads a LineString or MultiLineString; a line has two distinct points or more.
func lines(v schema.Value) ([][]s2.Point, bool) {
	raw, _ := v.(json.RawMessage)
	var g geometry
	if json.Unmarshal(raw, &g) != nil {
		return nil, false
	}
	var lists [][][]float64
	switch g.Type {
	case "LineString":
		lists = make([][][]float64, 1)
		if json.Unmarshal(g.Coordinates, &lists[0]) != nil {
			return nil, false
		}
	case "MultiLineString":
		if json.Unmarshal(g.Coordinates, &lists) != nil {
			return nil, false
		}
	default:
		return nil, false
	}
	var out [][]s2.Point
	for _, list := range lists {
		line, ok := points(list)
		if !ok || len(line) < 2 {
			return nil, false
		}
		distinct := false
		for _, p := range line[1:] {
			distinct = distinct || p != line[0]
		}
		if !distinct {
			return nil, false
		}
		out = append(out, line)
	}
	return out, len(out) > 0
}

// polygon is a shell with its holes. The smaller side of a ring is its inside, whatever its direction.
type polygon struct{ rings []*s2.Loop }

func (p polygon) contains(x s2.Point) bool {
	for i, r := range p.rings {
		if r.ContainsPoint(x) != (i == 0) {
			return false
		}
	}
	return true
}

// polygons reads a Polygon or MultiPolygon; a ring has three distinct corners or more and ends where it begins.
func polygons(v schema.Value) ([]polygon, bool) {
	raw, _ := v.(json.RawMessage)
	var g geometry
	if json.Unmarshal(raw, &g) != nil {
		return nil, false
	}
	var lists [][][][]float64
	switch g.Type {
	case "Polygon":
		lists = make([][][][]float64, 1)
		if json.Unmarshal(g.Coordinates, &lists[0]) != nil {
			return nil, false
		}
	case "MultiPolygon":
		if json.Unmarshal(g.Coordinates, &lists) != nil {
			return nil, false
		}
	default:
		return nil, false
	}
	var out []polygon
	for _, rings := range lists {
		var p polygon
		for _, ring := range rings {
			corners, ok := points(ring)
			if !ok || len(corners) < 4 || corners[0] != corners[len(corners)-1] {
				return nil, false
			}
			loop := s2.LoopFromPoints(corners[:len(corners)-1])
			if loop.Validate() != nil {
				return nil, false
			}
			loop.Normalize()
			p.rings = append(p.rings, loop)
		}
		if len(p.rings) == 0 {
			return nil, false
		}
		out = append(out, p)
	}
	return out, len(out) > 0
}

func goInPolygon(p []s2.LatLng, rest []schema.Value) (schema.Value, error) {
	list, ok := polygons(rest[0])
	if !ok {
		return nil, nil
	}
	at := s2.PointFromLatLng(p[0])
	for _, one := range list {
		if one.contains(at) {
			return true, nil
		}
	}
	return false, nil
}

func nearest(x s2.Point, line []s2.Point, least s1.Angle) s1.Angle {
	for i := 1; i < len(line); i++ {
		least = min(least, s2.DistanceFromSegment(x, line[i-1], line[i]))
	}
	return least
}

func goToLine(p []s2.LatLng, rest []schema.Value) (schema.Value, error) {
	list, ok := lines(rest[0])
	if !ok {
		return nil, nil
	}
	least := s1.Angle(math.Pi)
	for _, line := range list {
		least = nearest(s2.PointFromLatLng(p[0]), line, least)
	}
	return metres(least), nil
}

func goToPolygon(p []s2.LatLng, rest []schema.Value) (schema.Value, error) {
	list, ok := polygons(rest[0])
	if !ok {
		return nil, nil
	}
	at, least := s2.PointFromLatLng(p[0]), s1.Angle(math.Pi)
	for _, one := range list {
		if one.contains(at) {
			return 0.0, nil
		}
		for _, ring := range one.rings {
			corners := ring.Vertices()
			least = nearest(at, append(append([]s2.Point(nil), corners...), corners[0]), least)
		}
	}
	return metres(least), nil
}

func goLineLength(args []schema.Value) (schema.Value, error) {
	list, ok := lines(args[0])
	if !ok {
		return nil, nil
	}
	sum := s1.Angle(0)
	for _, line := range list {
		for i := 1; i < len(line); i++ {
			sum += line[i-1].Distance(line[i])
		}
	}
	return metres(sum), nil
}

const geohashDigits = "0123456789bcdefghjkmnpqrstuvwxyz"

// maxGeohash is the finest accuracy.
const maxGeohash = 18

func level(rest []schema.Value, fallback int64) int64 {
	if len(rest) == 0 {
		return fallback
	}
	n, ok := rest[0].(int64)
	if !ok {
		return -1
	}
	return n
}

func goToGeohash(p []s2.LatLng, rest []schema.Value) (schema.Value, error) {
	n := level(rest, 5)
	if n < 1 || n > maxGeohash {
		return "", nil
	}
	return geohash(p[0].Lng.Degrees(), p[0].Lat.Degrees(), int(n)), nil
}

func geohash(lon, lat float64, n int) string {
	lons, lats := [2]float64{-180, 180}, [2]float64{-90, 90}
	var b strings.Builder
	for bit, digit := 0, 0; b.Len() < n; bit++ {
		r, x := &lons, lon
		if bit%2 == 1 {
			r, x = &lats, lat
		}
		middle := (r[0] + r[1]) / 2
		digit <<= 1
		if x >= middle {
			digit |= 1
			r[0] = middle
		} else {
			r[1] = middle
		}
		if bit%5 == 4 {
			b.WriteByte(geohashDigits[digit])
			digit = 0
		}
	}
	return b.String()
}

// geohashBox returns the west, south, east and north of a geohash.
func geohashBox(hash string) (box [4]float64, ok bool) {
	lons, lats := [2]float64{-180, 180}, [2]float64{-90, 90}
	if len(hash) < 1 || len(hash) > maxGeohash {
		return box, false
	}
	bit := 0
	for i := range len(hash) {
		digit := strings.IndexByte(geohashDigits, hash[i])
		if digit < 0 {
			return box, false
		}
		for k := 4; k >= 0; k-- {
			r := &lons
			if bit%2 == 1 {
				r = &lats
			}
			middle := (r[0] + r[1]) / 2
			r[1-(digit>>k)&1] = middle
			bit++
		}
	}
	return [4]float64{lons[0], lats[0], lons[1], lats[1]}, true
}

func pointJSON(lon, lat float64) schema.Value {
	out := append([]byte(`{"type":"Point","coordinates":[`), numberJSON(lon)...)
	return json.RawMessage(append(append(append(out, ','), numberJSON(lat)...), "]}"...))
}

func goGeohashPoint(args []schema.Value) (schema.Value, error) {
	box, ok := geohashBox(args[0].(string))
	if !ok {
		return nil, nil
	}
	return pointJSON((box[0]+box[2])/2, (box[1]+box[3])/2), nil
}

func goGeohashPolygon(args []schema.Value) (schema.Value, error) {
	b, ok := geohashBox(args[0].(string))
	if !ok {
		return nil, nil
	}
	ring := [][2]float64{{b[0], b[1]}, {b[2], b[1]}, {b[2], b[3]}, {b[0], b[3]}, {b[0], b[1]}}
	text, err := json.Marshal(map[string]any{"type": "Polygon", "coordinates": [][][2]float64{ring}})
	return json.RawMessage(text), err
}

// goGeohashNeighbors lists the cells around one, in the order of the documentation's answer.
func goGeohashNeighbors(args []schema.Value) (schema.Value, error) {
	hash := args[0].(string)
	b, ok := geohashBox(hash)
	if !ok {
		return nil, nil
	}
	width, height := b[2]-b[0], b[3]-b[1]
	out := []json.RawMessage{}
	for _, d := range [][2]float64{{-1, -1}, {-1, 1}, {1, -1}, {0, 1}, {-1, 0}, {1, 1}, {1, 0}, {0, -1}} {
		lon, lat := (b[0]+b[2])/2+d[0]*width, (b[1]+b[3])/2+d[1]*height
		if math.Abs(lat) > 90 {
			continue
		}
		lon = math.Remainder(lon, 360)
		out = append(out, schema.AppendJSON(nil, schema.String, geohash(lon, lat, len(hash))))
	}
	return array(out), nil
}

func goToS2Cell(p []s2.LatLng, rest []schema.Value) (schema.Value, error) {
	n := level(rest, 11)
	if n < 0 || n > 30 {
		return "", nil
	}
	return s2.CellIDFromLatLng(p[0]).Parent(int(n)).ToToken(), nil
}

func goS2CellPoint(args []schema.Value) (schema.Value, error) {
	id := s2.CellIDFromToken(args[0].(string))
	if !id.IsValid() {
		return nil, nil
	}
	at := id.LatLng()
	return pointJSON(at.Lng.Degrees(), at.Lat.Degrees()), nil
}

// s2Directions is the order of the documentation's answer, in that of the library.
var s2Directions = [8]int{7, 0, 1, 2, 3, 5, 4, 6}

// goS2CellNeighbors lists the cells around one. At a corner of the cube two of its sides share a neighbour.
func goS2CellNeighbors(args []schema.Value) (schema.Value, error) {
	id := s2.CellIDFromToken(args[0].(string))
	if !id.IsValid() {
		return nil, nil
	}
	around := id.AllNeighbors(id.Level())
	var out []s2.CellID
	for _, k := range s2Directions {
		if k < len(around) && !slices.Contains(out, around[k]) {
			out = append(out, around[k])
		}
	}
	cells := make([]json.RawMessage, len(out))
	for i, c := range out {
		cells[i] = schema.AppendJSON(nil, schema.String, c.ToToken())
	}
	return array(cells), nil
}
