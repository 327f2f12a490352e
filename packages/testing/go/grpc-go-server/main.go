// A gRPC server on grpc-go, for packages/grpc to be tested with.
//
//	grpc-go-server [-port N] [-certificate FILE -key FILE] [-max-concurrent-streams N]
//
// Its messages are plain bytes. Prints its address once it listens. Methods of /test.Service/:
// Echo answers the request, Give as many bytes as the request says, Size with the request's length
// as the first field of a protobuf message, Fail with the status and text of the request ("5 not
// there"), FailLate after the answer has begun, Silent only when the call is cancelled.
package main

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"log"
	"math"
	"net"
	"strconv"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// rawCodec leaves messages as they are.
type rawCodec struct{}

func (rawCodec) Marshal(message any) ([]byte, error) { return *message.(*[]byte), nil }

func (rawCodec) Unmarshal(data []byte, message any) error {
	*message.(*[]byte) = append([]byte(nil), data...)
	return nil
}

func (rawCodec) Name() string { return "raw" }

func answer(stream grpc.ServerStream, method string, request []byte) ([]byte, error) {
	switch method {
	case "/test.Service/Echo":
		return request, stream.SendHeader(metadata.Pairs("server", "a-server/1"))
	case "/test.Service/Give":
		length, err := strconv.Atoi(string(request))
		return bytes.Repeat([]byte("give"), length/4+1)[:length], err
	case "/test.Service/Size":
		return binary.AppendUvarint([]byte{0x08}, uint64(len(request))), nil
	case "/test.Service/Fail":
		code, details, _ := strings.Cut(string(request), " ")
		number, err := strconv.Atoi(code)
		if err != nil {
			return nil, err
		}
		return nil, status.Error(codes.Code(number), details)
	case "/test.Service/FailLate":
		if err := stream.SendHeader(metadata.MD{}); err != nil {
			return nil, err
		}
		return nil, status.Error(codes.Internal, "late")
	case "/test.Service/Silent":
		<-stream.Context().Done()
		fmt.Println("cancelled")
		return nil, stream.Context().Err()
	}
	return nil, status.Errorf(codes.Unimplemented, "no method %s", method)
}

func handle(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	var request []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	response, err := answer(stream, method, request)
	if err != nil {
		return err
	}
	return stream.SendMsg(&response)
}

func main() {
	port := flag.Int("port", 0, "port of 127.0.0.1; 0 for a free one")
	certificate := flag.String("certificate", "", "PEM file, for TLS")
	key := flag.String("key", "", "PEM file of the certificate's key")
	streams := flag.Uint("max-concurrent-streams", 1000, "calls at once on a connection")
	flag.Parse()

	options := []grpc.ServerOption{
		grpc.ForceServerCodec(rawCodec{}),
		grpc.UnknownServiceHandler(handle),
		grpc.MaxConcurrentStreams(uint32(*streams)),
		grpc.MaxRecvMsgSize(math.MaxInt32),
		grpc.MaxSendMsgSize(math.MaxInt32),
	}
	if *certificate != "" {
		loaded, err := credentials.NewServerTLSFromFile(*certificate, *key)
		if err != nil {
			log.Fatal(err)
		}
		options = append(options, grpc.Creds(loaded))
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", *port))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr())
	log.Fatal(grpc.NewServer(options...).Serve(listener))
}
