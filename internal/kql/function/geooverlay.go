package function

import (
	"encoding/json"
	"math"
	"sort"

	"github.com/golang/geo/s1"
	"github.com/golang/geo/s2"

	"github.com/replaytrace/replaytrace/internal/kql/schema"
)

// overlayFuncs ask for the common parts of lines and polygons, and unite them.
var overlayFuncs = []Func{
	{Name: "geo_intersects_2lines", Signatures: []string{"array, array -> bool"}, Go: intersects(asLines, asLines), Doc: "geo-intersects-2lines-function"},
	{Name: "geo_intersects_line_with_polygon", Signatures: []string{"array, array -> bool"}, Go: intersects(asLines, asPolygons), Doc: "geo-intersects-line-with-polygon-function"},
	{Name: "geo_intersects_2polygons", Signatures: []string{"array, array -> bool"}, Go: intersects(asPolygons, asPolygons), Doc: "geo-intersects-2polygons-function"},
	{Name: "geo_intersection_2lines", Signatures: []string{"array, array -> dynamic"}, Go: goIntersectLines, Doc: "geo-intersection-2lines-function"},
	{Name: "geo_intersection_line_with_polygon", Signatures: []string{"array, array -> dynamic"}, Go: goIntersectLinePolygon, Doc: "geo-intersection-line-with-polygon-function"},
	{Name: "geo_intersection_2polygons", Signatures: []string{"array, array -> dynamic"}, Go: goIntersectPolygons, Doc: "geo-intersection-2polygons-function"},
	{Name: "geo_union_polygons_array", Signatures: []string{"array -> dynamic"}, Go: goUnionPolygons, Doc: "geo-union-polygons-array-function"},
	{Name: "geo_union_lines_array", Signatures: []string{"array -> dynamic"}, Go: goUnionLines, Doc: "geo-union-lines-array-function"},
}

// ring is a closed chain of corners, its inside on the left; first is the number of its first edge.
type ring struct {
	corners []s2.Point
	first   int
}

// region is an area between rings that do not cross: shells, and holes that turn the other way.
type region []ring

// arc is a directed edge; its number tells which edge of the input it is, or is a piece of.
type arc struct {
	from, to s2.Point
	number   int
}

func (r region) edges() []arc {
	var out []arc
	for _, one := range r {
		for i, p := range one.corners {
			out = append(out, arc{p, one.corners[(i+1)%len(one.corners)], len(out)})
		}
	}
	return out
}

func (r region) contains(x s2.Point) bool {
	inside := false
	for _, one := range r {
		loop := s2.LoopFromPoints(one.corners)
		loop.Normalize()
		if loop.ContainsPoint(x) {
			inside = !inside
		}
	}
	return inside
}

func regionOf(p polygon) region {
	var out region
	for i, loop := range p.rings {
		corners := append([]s2.Point(nil), loop.Vertices()...)
		if i > 0 { // a hole has its inside outside
			for a, b := 0, len(corners)-1; a < b; a, b = a+1, b-1 {
				corners[a], corners[b] = corners[b], corners[a]
			}
		}
		out = append(out, ring{corners: corners})
	}
	return out
}

const degenerate = "an overlay of shapes that cross at a corner"

// split cuts the edges where those of the other shape cross them.
func split(edges, others []arc) []arc {
	var out []arc
	for _, e := range edges {
		cuts := []s2.Point{}
		for _, o := range others {
			if s2.CrossingSign(e.from, e.to, o.from, o.to) == s2.Cross {
				cuts = append(cuts, s2.Intersection(e.from, e.to, o.from, o.to))
			}
		}
		sort.Slice(cuts, func(i, j int) bool { return e.from.Distance(cuts[i]) < e.from.Distance(cuts[j]) })
		at := e.from
		for _, c := range append(cuts, e.to) {
			if c != at {
				out = append(out, arc{at, c, e.number})
			}
			at = c
		}
	}
	return out
}

// overlay keeps the pieces of a that lie inside of b, or outside, and those of b by a, and joins them to rings. Of an
// edge that both have one stays where they run alike, and none where they meet from both sides.
func overlay(a, b region, inside bool) (region, error) {
	left, right := a.edges(), b.edges()
	for i := range right {
		right[i].number += len(left)
	}
	left, right = split(left, right), split(right, left)
	var kept []arc
	keep := func(list, others []arc, other region, first bool) {
		both := map[[2]s2.Point]bool{}
		for _, o := range others {
			both[[2]s2.Point{o.from, o.to}] = true
		}
		for _, e := range list {
			alike, against := both[[2]s2.Point{e.from, e.to}], both[[2]s2.Point{e.to, e.from}]
			switch {
			case against:
			case alike && first, !alike && other.contains(s2.Interpolate(0.5, e.from, e.to)) == inside:
				kept = append(kept, e)
			}
		}
	}
	keep(left, right, b, true)
	keep(right, left, a, false)
	return join(kept)
}

// join makes rings of edges. A ring begins behind its edge with the highest number, as S2 has it, which Kusto uses; of
// the pieces of that edge the last one counts.
func join(edges []arc) (region, error) {
	next := map[s2.Point][]int{}
	for i, e := range edges {
		next[e.from] = append(next[e.from], i)
	}
	used := make([]bool, len(edges))
	var out region
	for i := range edges {
		if used[i] {
			continue
		}
		var loop []int
		for at := i; len(loop) == 0 || at != i; {
			if used[at] {
				return nil, Refused(degenerate)
			}
			used[at] = true
			loop = append(loop, at)
			// Where rings touch, the sharpest turn to the left keeps them apart.
			follower, turn := -1, s1.Angle(math.Inf(-1))
			for _, k := range next[edges[at].to] {
				if t := s2.TurnAngle(edges[at].from, edges[at].to, edges[k].to); t > turn {
					follower, turn = k, t
				}
			}
			if follower < 0 {
				return nil, Refused(degenerate)
			}
			at = follower
		}
		last := 0
		for k, at := range loop {
			// Pieces of one edge stand in their order along it.
			if n, m := edges[at].number, edges[loop[last]].number; n > m || n == m && at > loop[last] {
				last = k
			}
		}
		one := ring{first: edges[loop[(last+1)%len(loop)]].number}
		for k := range loop {
			one.corners = append(one.corners, edges[loop[(last+1+k)%len(loop)]].from)
		}
		out = append(out, one)
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].first < out[j].first })
	return out, nil
}

// unite makes one region of polygons that may overlap, the two with the fewest corners first, as S2 has it: the corners
// of a union are taken to be as many as those of its parts.
func unite(list []polygon) (region, error) {
	type part struct {
		region
		corners int
	}
	queue := make([]part, len(list))
	for i, p := range list {
		queue[i].region = regionOf(p)
		queue[i].corners = len(queue[i].edges())
	}
	for len(queue) > 1 {
		sort.SliceStable(queue, func(i, j int) bool { return queue[i].corners < queue[j].corners })
		both, err := overlay(queue[0].region, queue[1].region, false)
		if err != nil {
			return nil, err
		}
		queue = append(queue[2:], part{both, queue[0].corners + queue[1].corners})
	}
	return queue[0].region, nil
}

// json renders a region whose rings are all shells; how several rings are ordered where there are holes is not known.
func (r region) json() (json.RawMessage, error) {
	var shells [][][][2]float64
	loops, holes := r.loops()
	for i, one := range r {
		for k, other := range loops {
			if holes[i] || k != i && other.ContainsPoint(one.corners[0]) {
				return nil, Refused("an overlay that leaves a hole")
			}
		}
		shells = append(shells, [][][2]float64{chain(append(append([]s2.Point(nil), one.corners...), one.corners[0]))})
	}
	if len(shells) == 1 {
		return shape("Polygon", shells[0]), nil
	}
	return shape("MultiPolygon", shells), nil
}

func goUnionPolygons(args []schema.Value) (schema.Value, error) {
	shapes, ok := elements(args[0])
	var all []polygon
	for _, s := range shapes {
		list, valid := polygons(s)
		ok = ok && valid
		all = append(all, list...)
	}
	if !ok || len(all) == 0 {
		return nil, nil
	}
	whole, err := unite(all)
	if err != nil {
		return nil, err
	}
	out, err := whole.json()
	return out, err
}

// goUnionLines joins lines that continue each other; edges that they share count once.
func goUnionLines(args []schema.Value) (schema.Value, error) {
	shapes, ok := elements(args[0])
	next, before := map[s2.Point]s2.Point{}, map[s2.Point]bool{}
	var first []s2.Point
	var edges []arc
	for _, s := range shapes {
		list, valid := lines(s)
		ok = ok && valid
		for _, line := range list {
			first = append(first, line[0])
			for i := 1; i < len(line); i++ {
				a, b := line[i-1], line[i]
				if to, known := next[a]; known && to == b {
					continue
				} else if known || before[b] || next[b] == a {
					return nil, Refused("a union of lines that meet elsewhere than at their ends")
				}
				next[a], before[b] = b, true
				edges = append(edges, arc{from: a, to: b})
			}
		}
	}
	if !ok || len(edges) == 0 {
		return nil, nil
	}
	for i, e := range edges {
		for _, o := range edges[:i] {
			if s2.CrossingSign(e.from, e.to, o.from, o.to) == s2.Cross {
				return nil, Refused("a union of lines that cross")
			}
		}
	}
	var path []s2.Point
	for _, at := range first {
		if before[at] || path != nil {
			continue
		}
		path = []s2.Point{at}
		for to, more := next[at]; more; to, more = next[to] {
			path = append(path, to)
		}
	}
	if len(path) != len(edges)+1 {
		return nil, Refused("a union of lines that are not one")
	}
	return shape("LineString", chain(path)), nil
}

// figure is a geometry as its edges and, for a polygon, the areas that it contains.
type figure struct {
	edges []arc
	areas []polygon
}

func (f figure) contains(x s2.Point) bool {
	for _, a := range f.areas {
		if a.contains(x) {
			return true
		}
	}
	return false
}

func asLines(v schema.Value) (f figure, ok bool) {
	list, ok := lines(v)
	for _, line := range list {
		for i := 1; i < len(line); i++ {
			f.edges = append(f.edges, arc{line[i-1], line[i], len(f.edges)})
		}
	}
	return f, ok
}

func asPolygons(v schema.Value) (f figure, ok bool) {
	f.areas, ok = polygons(v)
	for _, p := range f.areas {
		f.edges = append(f.edges, regionOf(p).edges()...)
	}
	return f, ok
}

// intersects reports whether two geometries have a point in common.
func intersects(readA, readB func(schema.Value) (figure, bool)) func([]schema.Value) (schema.Value, error) {
	return func(args []schema.Value) (schema.Value, error) {
		a, okA := readA(args[0])
		b, okB := readB(args[1])
		if !okA || !okB {
			return nil, nil
		}
		for _, e := range a.edges {
			if b.contains(e.from) {
				return true, nil
			}
			for _, o := range b.edges {
				if s2.CrossingSign(e.from, e.to, o.from, o.to) != s2.DoNotCross {
					return true, nil
				}
			}
		}
		for _, o := range b.edges {
			if a.contains(o.from) {
				return true, nil
			}
		}
		return false, nil
	}
}

func goIntersectLines(args []schema.Value) (schema.Value, error) {
	a, okA := lines(args[0])
	b, okB := lines(args[1])
	if !okA || !okB {
		return nil, nil
	}
	left, _ := asLines(args[0])
	right, _ := asLines(args[1])
	if len(a) == 1 && len(b) == 1 && equalChains(a[0], b[0]) {
		return shape("LineString", chain(a[0])), nil
	}
	var found []s2.Point
	for _, e := range left.edges {
		for _, o := range right.edges {
			switch s2.CrossingSign(e.from, e.to, o.from, o.to) {
			case s2.Cross:
				found = append(found, s2.Intersection(e.from, e.to, o.from, o.to))
			case s2.MaybeCross:
				return nil, Refused(degenerate)
			case s2.DoNotCross:
			}
		}
	}
	switch len(found) {
	case 0:
		return collect(nil), nil
	case 1:
		return shape("Point", coordinates(found[0])), nil
	}
	return nil, Refused("an intersection of lines in several points")
}

func equalChains(a, b []s2.Point) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// goIntersectLinePolygon cuts a line at the borders of a polygon and keeps what is inside.
func goIntersectLinePolygon(args []schema.Value) (schema.Value, error) {
	list, okLine := lines(args[0])
	area, okArea := polygons(args[1])
	if !okLine || !okArea {
		return nil, nil
	}
	whole, err := unite(area)
	if err != nil {
		return nil, err
	}
	borders := whole.edges()
	var parts [][]s2.Point
	for _, line := range list {
		var edges []arc
		for i := 1; i < len(line); i++ {
			e := arc{line[i-1], line[i], len(edges)}
			for _, o := range borders {
				if s2.CrossingSign(e.from, e.to, o.from, o.to) == s2.MaybeCross {
					return nil, Refused(degenerate)
				}
			}
			edges = append(edges, e)
		}
		pieces := split(edges, borders)
		joined := false
		for _, p := range pieces {
			inside := whole.contains(s2.Interpolate(0.5, p.from, p.to))
			switch {
			case inside && joined:
				parts[len(parts)-1] = append(parts[len(parts)-1], p.to)
			case inside:
				parts = append(parts, []s2.Point{p.from, p.to})
			}
			joined = inside
		}
	}
	switch len(parts) {
	case 0:
		return collect(nil), nil
	case 1:
		return shape("LineString", chain(parts[0])), nil
	}
	chains := make([][][2]float64, len(parts))
	for i, p := range parts {
		chains[i] = chain(p)
	}
	return shape("MultiLineString", chains), nil
}

// meet reports whether two areas lie on both sides of an edge.
func meet(a, b region) bool {
	against := map[[2]s2.Point]bool{}
	for _, e := range a.edges() {
		against[[2]s2.Point{e.to, e.from}] = true
	}
	for _, e := range b.edges() {
		if against[[2]s2.Point{e.from, e.to}] {
			return true
		}
	}
	return false
}

// goIntersectPolygons returns the common area, before it the corners at which the polygons touch only.
func goIntersectPolygons(args []schema.Value) (schema.Value, error) {
	listA, okA := polygons(args[0])
	listB, okB := polygons(args[1])
	if !okA || !okB {
		return nil, nil
	}
	a, err := unite(listA)
	if err != nil {
		return nil, err
	}
	b, err := unite(listB)
	if err != nil {
		return nil, err
	}
	if meet(a, b) {
		return nil, Refused("an intersection of polygons that meet along an edge")
	}
	both, err := overlay(a, b, true)
	if err != nil {
		return nil, err
	}
	if len(both) > 1 {
		return nil, Refused("an intersection of polygons in several areas")
	}
	corner := map[s2.Point]bool{}
	for _, e := range both.edges() {
		corner[e.from] = true
	}
	other := map[s2.Point]bool{}
	for _, e := range b.edges() {
		other[e.from] = true
	}
	var out []json.RawMessage
	for _, e := range a.edges() {
		if other[e.from] && !corner[e.from] {
			out = append(out, shape("Point", coordinates(e.from)))
		}
	}
	if len(both) == 1 {
		text, err := both.json()
		if err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return collect(out), nil
}
